"""What a jury decides about: an event on the label, such as `label>=3` or `label=agrees`."""

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from perspectives.data.scale import Scale, level_name
from perspectives.errors import ConfigError

COMPARISONS: dict[str, Callable] = {
    ">=": operator.ge, "<=": operator.le, "!=": operator.ne, ">": operator.gt, "<": operator.lt, "=": operator.eq,
}  # fmt: skip
NUMBER = r"(-?(?:\d+(?:\.\d+)?|\.\d+))"
PATTERN = re.compile(r"\s*label\s*(>=|<=|!=|>|<|=)\s*(.+?)\s*", re.DOTALL)


@dataclass(frozen=True)
class Event:
    """A condition on one label.

    text: as typed. comparison: a key of COMPARISONS. operands: level names, or one number; several of them
    (`label=mild|severe`) are alternatives.
    """

    text: str
    scale: Scale
    comparison: str
    operands: tuple[str, ...]

    @classmethod
    def parse(cls, text: str | None, scale: Scale) -> "Event":
        """The event that `text` stands for; None on a scale with two levels means that the label is the last one.

        Raises ConfigError for anything that is not a condition on a label of this scale.
        """
        if text is None:
            if not scale.binary:
                raise ConfigError(
                    f"labels are {scale.describe()}; say what the jury decides, such as event='{_example(scale)}'"
                )
            text = f"label={scale.levels[-1]}"
        found = PATTERN.fullmatch(str(text))
        if not found:
            raise ConfigError(f"event {text!r} is not understood; write it like {_example(scale)}")
        comparison, value = found.groups()
        event = cls(text, scale, comparison, tuple(part.strip() for part in value.split("|")))
        event._refuse_misfits()
        return event

    def _refuse_misfits(self) -> None:
        ordered = self.comparison not in ("=", "!=")
        if len(self.operands) > 1 and (ordered or self.scale.kind == "interval"):
            raise ConfigError(f"event {self.text!r}: alternatives a|b need = or != and levels; use a single value")
        if self.scale.kind == "interval":
            if not re.fullmatch(NUMBER, self.operands[0]):
                raise ConfigError(f"event {self.text!r}: labels are {self.scale.describe()}; compare with one")
            return
        if unknown := [name for name in self.operands if name not in self.scale.levels]:
            raise ConfigError(f"event {self.text!r}: {unknown[0]!r} is not a level; labels are {self.scale.describe()}")
        if ordered and self.scale.kind != "ordinal":
            raise ConfigError(f"event {self.text!r}: {self.scale.kind} levels have no order; use label=a or label=a|b")
        if self.scale.kind == "multilabel" and (len(self.operands) > 1 or self.comparison != "="):
            raise ConfigError(f"event {self.text!r}: labels are sets of levels; ask for one, label={self.operands[0]}")

    def __str__(self) -> str:
        return self.text

    @property
    def levels(self) -> np.ndarray:
        """Which levels make the event happen, bool [level]."""
        if self.comparison in ("=", "!="):
            return np.isin(self.scale.levels, self.operands) == (self.comparison == "=")
        positions = np.arange(len(self.scale.levels))
        return COMPARISONS[self.comparison](positions, self.scale.levels.index(self.operands[0]))

    def holds(self, labels: np.ndarray) -> np.ndarray:
        """Whether the event happened, bool [annotation]; labels in the form of `Scale.encode`."""
        if self.scale.kind == "interval":
            return np.asarray(COMPARISONS[self.comparison](labels, float(self.operands[0])))
        return np.asarray(labels[:, self.levels].any(1) if self.scale.kind == "multilabel" else self.levels[labels])

    def holds_of(self, numbers: np.ndarray) -> np.ndarray:
        """Whether the event happened for means and medians of labels, bool, any shape.

        Raises ConfigError for an event that is not a comparison with one number.
        """
        if self.scale.kind not in ("ordinal", "interval") or len(self.operands) > 1:
            remedy = "event='label>=…'" if self.scale.kind in ("ordinal", "interval") else "a rule that counts votes"
            raise ConfigError(f"event {self.text!r} is not defined for a mean or median of labels; use {remedy}")
        operand = self.operands[0]
        if self.scale.kind == "ordinal":
            threshold = float(self.scale.values[self.scale.levels.index(operand)])
        else:
            threshold = float(operand)
        return COMPARISONS[self.comparison](np.round(numbers, 9), threshold)

    def votes(self, answers: np.ndarray, hard: bool = False) -> np.ndarray:
        """Probability of a vote for the event, 0..1, float64 [...].

        answers: predicted probabilities [..., level], or ratings [..., 1], which vote by the threshold. hard: everyone
        votes by their most likely level (the lowest of equals; sets hold a level with probability above one half), so
        votes are 0 or 1.
        """
        if self.scale.kind == "interval":
            return self.holds(answers[..., 0]).astype(float)
        if not hard:
            return np.clip(answers @ self.levels.astype(float), 0, 1)
        if self.scale.kind == "multilabel":
            return (answers[..., self.levels][..., 0] > 0.5).astype(float)
        return self.levels[answers.argmax(-1)].astype(float)


def _example(scale: Scale) -> str:
    if scale.kind == "interval":
        return "label>=0.5"
    level = level_name(scale.levels[len(scale.levels) // 2])
    return f"label>={level}" if scale.kind == "ordinal" else f"label={level}"
