"""Who gave which label to which item, as sparse matrices that every method of truth inference shares."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.sparse import csr_array

from perspectives.data.annotations import AnnotationSet
from perspectives.errors import ConfigError, DataError, listing

DUPLICATES = ("error", "keep")


@dataclass(frozen=True, eq=False)
class Incidence:
    """Annotations with labels on `levels` levels.

    table: float64 [item, annotator × level], the column of annotator a and level l is `a * levels + l`; how often the
        annotator gave the item that level. Its stored entries are called cells: a cell is an annotation, or several
        equal ones of a set with duplicates. They are sorted, so that no result depends on the order of the rows.
    gold: the experts' level of each item, int64 [item], -1 where there is none; None where there are no experts.
    """

    table: csr_array
    annotators: int
    levels: int
    gold: np.ndarray | None = None

    @classmethod
    def build(
        cls,
        item: np.ndarray,
        annotator: np.ndarray,
        label: np.ndarray,
        shape: tuple[int, int, int],
        duplicates: str = "error",
    ) -> "Incidence":
        """From codes int [annotation], each from 0. shape: numbers of items, annotators and levels.

        duplicates: `error`, or `keep` to count every annotation of somebody who labelled an item more than once.
        Raises DataError for codes that are missing (-1) or out of range, no annotations at all, fewer than two levels
        and, unless kept, repeated pairs; ConfigError for an unknown `duplicates`.
        """
        if duplicates not in DUPLICATES:
            raise ConfigError(f"duplicates={duplicates!r} is unknown; choose one of {', '.join(DUPLICATES)}")
        codes = [np.asarray(x) for x in (item, annotator, label)]
        refuse_codes(dict(zip(("item", "annotator", "label"), codes, strict=True)), shape)
        items, annotators, levels = shape
        key, count = _counted(np.sort(_keys(codes, shape)))
        row, column = np.divmod(key, annotators * levels)
        start = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=items))])
        index = np.int32 if max(annotators * levels, len(key)) < 2**31 else np.int64  # others are checked one by one
        parts = (count, column.astype(index), start.astype(index))
        made = cls(csr_array(parts, (items, annotators * levels)), annotators, levels)
        if duplicates == "error" and (repeated := len(codes[0]) - len(_counted(key // levels)[0])):
            raise DataError(
                f"{repeated} annotation(s) are of an item that the same annotator labelled already; leave them out, or "
                "choose duplicates=keep to count them all"
            )
        return made

    @classmethod
    def of(cls, annotations: AnnotationSet, duplicates: str = "error") -> "Incidence":
        """Of a nominal or ordinal set, items and annotators in the order of its tables, with gold where it has any.

        Raises DataError for other scales, and where `build` does: annotations in several rounds are duplicates.
        """
        if annotations.scale.kind not in ("nominal", "ordinal"):
            raise DataError(
                f"{annotations.name} has {annotations.scale.kind} labels; truth inference on levels needs one level "
                "per annotation"
            )
        shape = (len(annotations.items), len(annotations.annotators), annotations.scale.size)
        codes = annotations.item_index, annotations.annotator_index, annotations.labels
        made = cls.build(*codes, shape, duplicates)
        return (
            replace(made, gold=annotations.scale.encode(annotations.items["gold"]))
            if "gold" in annotations.items
            else made
        )

    @property
    def items(self) -> int:
        return self.table.shape[0]

    # Cells. --------------------------------------------------------------------------------------------------------

    @cached_property
    def item(self) -> np.ndarray:
        """Item of each cell, ascending, int64 [cell]."""
        return np.repeat(np.arange(self.items), np.diff(self.table.indptr))

    @cached_property
    def annotator(self) -> np.ndarray:
        """int64 [cell]."""
        return (self.table.indices // self.levels).astype(np.int64)

    @cached_property
    def label(self) -> np.ndarray:
        """int64 [cell]."""
        return (self.table.indices % self.levels).astype(np.int64)

    @property
    def count(self) -> np.ndarray:
        """How often the annotation was given, float64 [cell]; 1 without duplicates."""
        return self.table.data

    @cached_property
    def pair(self) -> np.ndarray:
        """Consecutive number of each cell's item and annotator, int64 [cell]: several cells where they disagree with
        themselves."""
        new = (np.diff(self.item, prepend=-1) != 0) | (np.diff(self.annotator, prepend=-1) != 0)
        return np.cumsum(new) - 1

    # Sums. ---------------------------------------------------------------------------------------------------------

    @cached_property
    def pairs(self) -> csr_array:
        """How often each annotator labelled each item, float64 [item, annotator]."""
        matrix = csr_array((self.count, self.annotator, self.table.indptr), (self.items, self.annotators), copy=True)
        matrix.sum_duplicates()
        return matrix

    @cached_property
    def by_level(self) -> tuple[csr_array, ...]:
        """For each level how often each annotator gave it to each item, float64 [item, annotator]."""
        return tuple(self._only(self.label == level) for level in range(self.levels))

    def _only(self, cells: np.ndarray) -> csr_array:
        start = np.concatenate([[0], np.cumsum(np.bincount(self.item[cells], minlength=self.items))])
        return csr_array((self.count[cells], self.annotator[cells], start), (self.items, self.annotators))

    @cached_property
    def votes(self) -> np.ndarray:
        """How many annotations give each item each level, float64 [item, level]."""
        cells = self.item * self.levels + self.label
        return np.bincount(cells, self.count, self.items * self.levels).reshape(self.items, self.levels)

    @cached_property
    def given(self) -> np.ndarray:
        """How often each annotator gave each level, float64 [annotator, level]."""
        return np.bincount(self.table.indices, self.count, self.table.shape[1]).reshape(self.annotators, self.levels)

    @cached_property
    def labelled(self) -> np.ndarray:
        """Whether anybody labelled the item, bool [item]."""
        return np.diff(self.table.indptr) > 0

    @cached_property
    def shares(self) -> np.ndarray:
        """Share of an item's annotations that give each level, float64 [item, level]; uniform for items without any."""
        total = self.votes.sum(1, keepdims=True)
        return np.divide(self.votes, total, out=np.full_like(self.votes, 1 / self.levels), where=total > 0)

    def weighted_votes(self, weights: np.ndarray) -> np.ndarray:
        """Votes where an annotator's vote counts as much as their weight.

        weights: [annotator] or [annotator, restart]; the result has [item, level] in front.
        """
        return np.stack([matrix @ weights for matrix in self.by_level], axis=1)

    def hits(self, posterior: np.ndarray) -> np.ndarray:
        """How many of each annotator's labels are expected to be right, by level: float64 [annotator, level, …].

        posterior: [item, level, …].
        """
        return np.stack([matrix.T @ posterior[:, level] for level, matrix in enumerate(self.by_level)], axis=1)

    def truth_scores(self, log_confusion: np.ndarray) -> np.ndarray:
        """Σ over an item's annotations of the log-probability of its label given each true level, [item, level].

        log_confusion: [annotator, level (true), level (given)].
        """
        by_column = log_confusion.transpose(0, 2, 1).reshape(self.table.shape[1], self.levels)
        return self.table @ np.ascontiguousarray(by_column)

    def confusions(self, posterior: np.ndarray) -> np.ndarray:
        """Expected number of times each annotator gave each level to items of each true level.

        posterior: [item, level]. Returns float64 [annotator, level (true), level (given)].
        """
        by_column = self.table.T @ posterior
        return by_column.reshape(self.annotators, self.levels, self.levels).transpose(0, 2, 1)


def _keys(codes: list[np.ndarray], shape: tuple[int, int, int]) -> np.ndarray:
    """One number per annotation, ascending by item, annotator and label; of 32 bits if they suffice, to sort faster."""
    items, annotators, levels = shape
    kind = np.dtype("uint32" if items * annotators * levels < 2**32 else "int64")
    item, annotator, label = (code.astype(kind) for code in codes)
    return (item * annotators + annotator) * levels + label


def _counted(ordered: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distinct numbers, and float64 how often each occurs."""
    new = np.append(True, ordered[1:] != ordered[:-1])
    if new.all():
        return ordered, np.ones(len(ordered))
    first = np.flatnonzero(new)
    return ordered[first], np.diff(first, append=len(ordered)).astype(float)


def refuse_codes(codes: dict[str, np.ndarray], sizes: Sequence[int]) -> None:
    """Raise DataError, with all that is wrong, for codes that are no whole numbers from 0 to below their size.

    codes: by name, each [annotation]; `label` needs at least two levels.
    """
    if len({code.shape for code in codes.values()}) > 1 or any(code.ndim != 1 for code in codes.values()):
        came = ", ".join(f"{name} {code.shape}" for name, code in codes.items())
        raise DataError(f"one number per annotation is needed; got {came}")
    if not len(next(iter(codes.values()))):
        raise DataError("there are no annotations, so there is nothing to aggregate")
    problems = []
    for (name, code), size in zip(codes.items(), sizes, strict=True):
        if name == "label" and size < 2:
            problems.append(f"labels need at least two levels; got {size}")
        if code.dtype.kind not in "biuf":
            problems.append(
                f"{name} holds {code.dtype}, such as {code[0]!r}; accepted are numbers from 0 to {size - 1}"
            )
            continue
        if code.dtype.kind in "iu" and code.min() >= 0 and code.max() < size:
            continue
        bad = ~((code >= 0) & (code < size) & (code == np.floor(code)))
        if bad.any():
            problems.append(
                f"{name} holds {code[bad][0]} at annotation {np.flatnonzero(bad)[0]} ({bad.sum()} such); accepted is "
                f"0 to {size - 1}; leave annotations without a label out"
            )
    if problems:
        raise DataError(f"the codes cannot be used:\n{listing(problems)}")
