"""Label scales: which labels an annotator could give, and whether they are levels, numbers or sets."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from perspectives.errors import DataError

KINDS = ("nominal", "ordinal", "interval", "multilabel")
SETS = (tuple, list, set, frozenset, np.ndarray)  # types that a multilabel label may have


@dataclass(frozen=True)
class Scale:
    """A label scale.

    kind: `nominal` (unordered levels; binary is nominal with two), `ordinal` (ordered levels), `interval` (a real
        number) or `multilabel` (each annotation is a set of levels).
    levels: level names in order, lowest first; for binary scales the last level is the positive one. No levels for
        interval.
    low, high: closed bounds of an interval scale; None where unbounded.

    Raises DataError for an unknown kind, too few or repeated levels, ordinal levels that are numbers out of order, and
    bounds that are crossed or given for another kind of scale.
    """

    kind: str
    levels: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "levels", tuple(level_name(level) for level in self.levels))
        if self.kind not in KINDS:
            raise DataError(f"scale kind {self.kind!r} is unknown; choose one of {', '.join(KINDS)}")
        if self.kind == "interval":
            if self.levels:
                raise DataError(
                    "an interval scale has bounds (low, high) instead of levels; use kind=ordinal for levels"
                )
            if self.low is not None and self.high is not None and not self.low < self.high:
                raise DataError(f"an interval scale needs low below high; got low={self.low}, high={self.high}")
        elif len(self.levels) < 2 or len(set(self.levels)) < len(self.levels):
            raise DataError(f"a {self.kind} scale needs at least two distinct levels; got {list(self.levels)}")
        elif self.low is not None or self.high is not None:
            raise DataError(f"low and high are for interval scales; a {self.kind} scale has levels only")
        elif self.kind == "ordinal" and (np.diff(self.values) <= 0).any():
            raise DataError(f"ordinal levels must go from lowest to highest; got {list(self.levels)}")

    @property
    def size(self) -> int:
        """Number of levels; 1 for interval scales, whose predictions are one number."""
        return len(self.levels) or 1

    @property
    def categorical(self) -> bool:
        """Whether each label is one level: neither a number (interval) nor a set of levels (multilabel)."""
        return self.kind in ("nominal", "ordinal")

    @property
    def binary(self) -> bool:
        """Whether each label is one of two levels."""
        return self.categorical and len(self.levels) == 2

    @property
    def values(self) -> np.ndarray:
        """Numeric value of each level, float64 [level]: its name where every name is a number, else its rank."""
        try:
            return np.array([float(level) for level in self.levels])
        except ValueError:
            return np.arange(len(self.levels), dtype=float)

    def encode(self, labels: pd.Series) -> np.ndarray:
        """Return labels as numbers; a level may be given by its name or, where that is a number, by the number.

        nominal, ordinal: int64 [annotation], the level's position; -1 for a label off the scale or missing.
        interval: float64 [annotation]; nan for a label off the scale or missing.
        multilabel: float32 [annotation, level], an indicator whose rows need not sum to 1; a row of nan where any
            member is off the scale or the label is missing. The empty set is a valid label.
        """
        if self.kind == "interval":
            numbers = pd.to_numeric(labels, errors="coerce").to_numpy(float, na_value=np.nan)
            low = -np.inf if self.low is None else self.low
            high = np.inf if self.high is None else self.high
            return np.where((numbers >= low) & (numbers <= high) & np.isfinite(numbers), numbers, np.nan)
        if self.kind == "multilabel":
            return self._indicator(labels)
        names = np.array([None if label is None else level_name(label) for label in labels], dtype=object)
        codes = pd.Index(self.levels, dtype=object).get_indexer(pd.Index(names, dtype=object))
        return np.where(labels.isna(), -1, codes).astype(np.int64)  # a level may be called "nan"

    def _indicator(self, labels: pd.Series) -> np.ndarray:
        position = {level: index for index, level in enumerate(self.levels)}
        indicator = np.zeros((len(labels), len(self.levels)), np.float32)
        for row, label in enumerate(labels):
            columns = [position.get(level_name(x), -1) for x in label] if isinstance(label, SETS) else [-1]
            if -1 in columns:
                indicator[row] = np.nan
            else:
                indicator[row, columns] = 1
        return indicator

    def decode(self, codes: np.ndarray) -> pd.Series:
        """Invert `encode` for valid codes: return level names, floats, or tuples of level names in level order."""
        if self.kind == "interval":
            return pd.Series(np.asarray(codes, float))
        if self.kind == "multilabel":
            return pd.Series([tuple(np.take(self.levels, np.flatnonzero(row)).tolist()) for row in codes], dtype=object)
        return pd.Series(np.take(np.array(self.levels, dtype=object), codes), dtype="str")

    def describe(self) -> str:
        """Return a phrase for messages that describes the labels this scale accepts."""
        if self.kind == "interval":
            low = "-inf" if self.low is None else self.low
            high = "inf" if self.high is None else self.high
            return f"a number from {low} to {high}"
        return ("a set of " if self.kind == "multilabel" else "one of ") + ", ".join(self.levels)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields for JSON; `from_dict` reads them."""
        return asdict(self) | {"levels": list(self.levels)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Scale":
        """Return the scale that `to_dict` described."""
        return cls(values["kind"], tuple(values.get("levels") or ()), values.get("low"), values.get("high"))

    @classmethod
    def integers(cls, low: int, high: int, kind: str = "ordinal") -> "Scale":
        """Return the scale of the whole numbers from `low` to `high`, both included."""
        return cls(kind, tuple(str(level) for level in range(low, high + 1)))


def level_name(value: object) -> str:
    """Return the name of a level or id; 3.0, as read from a column with missing values, is named 3."""
    return str(int(value)) if isinstance(value, (float, np.floating)) and value.is_integer() else str(value)
