"""The vocabulary of a trained model: its label scale, annotators and their attributes, saved as `schema.json`."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype

from perspectives.data.annotations import AnnotationSet
from perspectives.data.scale import Scale
from perspectives.data.validation import UNKNOWN
from perspectives.errors import ConfigError, DataError, RunError
from perspectives.files import read_json, write_json

if TYPE_CHECKING:
    from perspectives.data.annotators import Annotators

UNKNOWN_CODE = 0
BINS = 4  # of a numeric attribute, at the quantiles of the training annotators


@dataclass(frozen=True)
class Attribute:
    """A demographic attribute and its values in training, sorted.

    A value's code is its position + 1; 0 is `unknown`, or a value that no training annotator had. edges: upper ends of
    the bins of a numeric attribute; None for a categorical one.
    """

    name: str
    values: tuple[str, ...]
    edges: tuple[float, ...] | None = None

    @classmethod
    def of(cls, column: pd.Series) -> "Attribute":
        """Return the attribute in a column of the training annotators' table."""
        if not is_numeric_dtype(column):
            return cls(str(column.name), tuple(sorted(set(column.astype(str)) - {UNKNOWN})))
        known = column.dropna().to_numpy(float)
        inner = np.unique(np.quantile(known, np.arange(1, BINS) / BINS)) if len(known) else np.empty(0)
        names = [f"<={edge:g}" for edge in inner] + ([f">{inner[-1]:g}"] if len(inner) else [])
        return cls(str(column.name), tuple(names), tuple(inner.tolist()))

    def codes(self, column: pd.Series) -> np.ndarray:
        """Return the code of each annotator's value, int64 [annotator]."""
        if self.edges is None:
            return (pd.Index(self.values).get_indexer(pd.Index(column.astype(str))) + 1).astype(np.int64)
        numbers = pd.to_numeric(column, errors="coerce").to_numpy(float)
        return np.where(np.isnan(numbers), 0, np.searchsorted(self.edges, numbers) + 1).astype(np.int64)


@dataclass(frozen=True)
class Schema:
    """Vocabulary of a model.

    annotators: ids of the training annotators, sorted; an annotator's code is its position + 1, and code 0 means
        everyone not seen in training. training_labels: training annotations of each, int64 [annotator].
    attributes: the demographic attributes the model may use. members: their codes for each training annotator,
        int64 [annotator, attribute].
    level_counts: training annotations that contain each level, int64 [level]; empty on interval scales.
    adapted: ids of the people the model was adapted to after training, whose codes follow those of the training
        annotators. adaptation_labels: annotations of each used in adaptation, int64 [adapted].
    """

    scale: Scale
    annotators: tuple[str, ...]
    training_labels: np.ndarray
    attributes: tuple[Attribute, ...]
    members: np.ndarray
    level_counts: np.ndarray
    adapted: tuple[str, ...] = ()
    adaptation_labels: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))

    @classmethod
    def of(cls, train: AnnotationSet, attributes: Sequence[str] | None = None) -> "Schema":
        """Return the vocabulary of the training annotations.

        attributes: names of those to use; None for all. Raises ConfigError when the corpus lacks one.
        """
        counts = train.annotations["annotator_id"].value_counts().sort_index()
        names = train.attributes if attributes is None else list(attributes)
        if absent := sorted(set(names) - set(train.attributes)):
            known = (
                f"it has {', '.join(train.attributes)}" if train.attributes else "it has none; use model.attributes=[]"
            )
            raise ConfigError(f"{train.name} has no attribute {', '.join(absent)}; {known}")
        table = train.annotators.set_index("annotator_id").loc[counts.index]
        vocabulary = tuple(Attribute.of(table[name]) for name in names)
        levels = np.empty(0) if train.scale.kind == "interval" else train.indicator().sum(0)
        members = _attribute_codes(vocabulary, table)
        return cls(
            train.scale, tuple(counts.index), counts.to_numpy(np.int64), vocabulary, members, levels.astype(np.int64)
        )

    @property
    def counts(self) -> np.ndarray:
        """Training labels per code, int64 [code]: 0 for the unknown annotator and for people adapted to."""
        return np.concatenate([[0], self.training_labels, np.zeros(len(self.adapted), np.int64)])

    @property
    def people(self) -> tuple[str, ...]:
        """Everyone with their own code, in the order of codes 1, 2, …"""
        return self.annotators + self.adapted

    @cached_property
    def groups(self) -> np.ndarray:
        """The combinations of attribute codes that training annotators have, sorted, int64 [group, attribute].

        A group's code is its position + 1; code 0 means any other combination.
        """
        return np.unique(self.members, axis=0)

    def codes(self, annotator_ids: pd.Series) -> np.ndarray:
        """Return the code of each id, int64 [annotator]; 0 for an unknown one."""
        return (pd.Index(self.people).get_indexer(pd.Index(annotator_ids)) + 1).astype(np.int64)

    def adapted_to(self, annotator_ids: Iterable[str], labels: np.ndarray) -> "Schema":
        """Return this schema with codes for new people.

        labels: annotations of each used in adaptation, int64 [annotator]. Raises DataError when one already has a code.
        """
        if known := set(annotator_ids) & set(self.people):
            raise DataError(f"{len(known)} of {len(labels)} people are known to the model; adapt it to new people only")
        counts = np.concatenate([self.adaptation_labels, labels]).astype(np.int64)
        return replace(self, adapted=(*self.adapted, *annotator_ids), adaptation_labels=counts)

    def encode(self, table: pd.DataFrame) -> "Annotators":
        """Return the codes of a table of annotators: column `annotator_id`, and attributes (unknown where absent)."""
        return self._annotators(self.codes(table["annotator_id"]), _attribute_codes(self.attributes, table))

    @property
    def training_annotators(self) -> "Annotators":
        """Everyone seen in training, in the order of codes 1, 2, …"""
        return self._annotators(np.arange(1, len(self.annotators) + 1), self.members)

    def _annotators(self, codes: np.ndarray, attributes: np.ndarray) -> "Annotators":
        import torch  # not at the top: priors and audits use schemas without it

        from perspectives.data.annotators import Annotators

        position = {tuple(group): number for number, group in enumerate(self.groups.tolist(), start=1)}
        groups = np.array([position.get(tuple(values), UNKNOWN_CODE) for values in attributes.tolist()], np.int64)
        return Annotators(*map(torch.from_numpy, (codes, attributes, groups)))

    def save(self, path: str | Path) -> None:
        """Write the schema as JSON."""
        values = {
            "scale": self.scale.to_dict(),
            "annotators": list(self.annotators),
            "training_labels": self.training_labels.tolist(),
            "attributes": [asdict(attribute) for attribute in self.attributes],
            "members": self.members.tolist(),
            "level_counts": self.level_counts.tolist(),
            "adapted": list(self.adapted),
            "adaptation_labels": self.adaptation_labels.tolist(),
        }
        write_json(path, values)

    @classmethod
    def load(cls, path: str | Path) -> "Schema":
        """Read a file that `save` wrote. Raises RunError when it is missing or damaged."""
        values = read_json(path)
        try:
            attributes = tuple(
                Attribute(
                    known["name"], tuple(known["values"]), None if known["edges"] is None else tuple(known["edges"])
                )
                for known in values["attributes"]
            )
            annotators = tuple(values["annotators"])
            return cls(
                Scale.from_dict(values["scale"]),
                annotators,
                np.array(values["training_labels"], np.int64),
                attributes,
                np.array(values["members"], np.int64).reshape(len(annotators), len(attributes)),
                np.array(values["level_counts"], np.int64),
                tuple(values.get("adapted", ())),
                np.array(values.get("adaptation_labels", ()), np.int64),
            )
        except (LookupError, TypeError, ValueError, DataError) as error:
            raise RunError(f"{path} is damaged: {error!r}; delete the run folder and train again") from error


def _attribute_codes(attributes: Sequence[Attribute], table: pd.DataFrame) -> np.ndarray:
    """Return the codes of each annotator's attribute values, int64 [annotator, attribute]."""
    codes = np.zeros((len(table), len(attributes)), np.int64)
    for position, attribute in enumerate(attributes):
        if attribute.name in table:
            codes[:, position] = attribute.codes(table[attribute.name])
    return codes
