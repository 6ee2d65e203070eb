"""A metric for each group of annotators who share a demographic value: support, interval, worst group, gap.

Groups below `SMALLEST_GROUP` people are pooled and get no score, so that no number speaks of single persons. A metric
that counts every level of the scale (macro-F1) is lower for a group that hardly uses some of them: compare methods
within a group before groups within a method.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pandas as pd

from perspectives.data.scale import level_name
from perspectives.data.validation import UNKNOWN
from perspectives.errors import ConfigError, DataError
from perspectives.metrics.estimate import Estimate
from perspectives.metrics.intervals import FEW_ANNOTATORS, Interval, by_item, two_way

SMALLEST_GROUP = 5  # people
QUARTILES = (0.25, 0.5, 0.75)


@dataclass(frozen=True, eq=False)
class Membership:
    """Who belongs to which group. names: of the groups. code: int64 [annotator], position in names; -1: unknown. edges:
    where ranges of numbers end, float64 [edge], each belonging to the lower range; None where groups are no ranges."""

    names: list[str]
    code: np.ndarray
    edges: np.ndarray | None = None


@dataclass(frozen=True)
class GroupScore:
    """A metric of one group. pairs, items, people: what it rests on. interval: None where it is suppressed."""

    name: str
    pairs: int
    items: int
    people: int
    interval: Interval | None


@dataclass(frozen=True)
class GroupScores:
    """A metric of all groups of one attribute.

    scores: in the order of the names, without groups that have no pairs; all groups of fewer than `minimum` people in
        one last score without interval, called `fewer than 5 (2 values)`.
    worst: name of the group with the worst value; None with fewer than two scored groups.
    gap: highest minus lowest value, from the difference of the two influence functions; None where worst is. It is the
        largest of several differences: positive by chance alone, the more so the more groups there are.
    """

    scores: tuple[GroupScore, ...]
    worst: str | None
    gap: Interval | None

    def by_size(self) -> "GroupScores":
        """The same scores of a metric that is best at 0: worst is the group with the largest value in size."""
        sizes = {score.name: abs(score.interval.value) for score in self.scores if score.interval is not None}
        defined = {name: size for name, size in sizes.items() if not np.isnan(size)}
        return replace(self, worst=None if self.worst is None else max(defined, key=lambda name: defined[name]))


def chosen_attributes(names: str, annotators: pd.DataFrame) -> list[str]:
    """Attributes named in `names` (comma-separated, or `all`).

    annotators: one row per annotator, `annotator_id` and a column per attribute. Raises DataError where there is no
    attribute at all, ConfigError for one that does not exist.
    """
    available = [str(column) for column in annotators.columns if column != "annotator_id"]
    if not available:
        raise DataError("nothing is known about these annotators: the corpus has no demographic attributes to group by")
    wanted = available if names == "all" else list(dict.fromkeys(name.strip() for name in names.split(",")))
    for name in wanted:
        if name not in available:
            raise ConfigError(f"there is no attribute {name!r}; choose from {', '.join(available)}, or all")
    return wanted


def membership(values: pd.Series, unknown: bool = False) -> Membership:
    """Groups of annotators by the value of one attribute, [annotator].

    Categories are groups, the most frequent first. Numbers of more than four distinct values are divided at the
    quartiles of these annotators, lowest first, named by their ranges; a value at a boundary belongs to the lower
    range. unknown: whether people whose value is `unknown` or nan are a group as well, the last one.
    """
    missing = values.isna().to_numpy() | (values.astype(object) == UNKNOWN).to_numpy(bool)
    numeric = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
    edges = None
    if numeric and values[~missing].nunique() > len(QUARTILES) + 1:
        edges = quartiles(values)
        code = np.where(missing, -1, np.searchsorted(edges, values.to_numpy(float))).astype(np.int64)
        names = range_names(edges, beyond=code.max() == len(edges))
    else:
        known = values[~missing].map(level_name)
        names = list(known.value_counts(sort=False).sort_values(ascending=False, kind="stable").index)
        code = np.full(len(values), -1, np.int64)
        code[~missing] = pd.Index(names).get_indexer(pd.Index(known))
    if unknown and missing.any():
        names, code = [*names, UNKNOWN], np.where(missing, len(names), code)
    return Membership(names, code, edges)


def by_group(
    metric: Callable[[np.ndarray], Estimate],
    group: np.ndarray,
    names: list[str],
    item: np.ndarray,
    annotator: np.ndarray,
    lower_is_better: bool,
    cluster: np.ndarray | None = None,
    minimum: int = SMALLEST_GROUP,
    of_items: bool = False,
) -> GroupScores:
    """A metric for each group, of the group's pairs or of the items as the group alone labelled them.

    metric: rows (bool [pair]) → the metric on these pairs alone, placed among all pairs (`Estimate.within`), or, with
        `of_items`, on the items of these pairs, placed among all items.
    group: int64 [pair], position in names of the group of the pair's annotator; -1 for none.
    item, annotator: int64 [pair]. cluster: what items are kept together in intervals, int64 [pair]; None: each item.

    Intervals are `two_way` within the group's pairs, with fewer than 20 people over items alone; so is that of a gap
    with such a group at one of its ends. Those of metrics of items are always over items.
    """
    cluster = item if cluster is None else cluster

    def interval_of(estimate: Estimate, rows: np.ndarray, fixed: bool = False) -> Interval:
        if of_items:
            used, first = np.unique(item[rows], return_index=True)
            return by_item(_at(estimate, used), cluster[rows][first])
        if fixed:
            return by_item(_at(estimate, rows), cluster[rows])
        return two_way(_at(estimate, rows), cluster[rows], annotator[rows])

    scores: list[GroupScore] = []
    estimates: dict[str, Estimate] = {}
    for code, name in enumerate(names):
        rows = group == code
        if len(np.unique(annotator[rows])) < minimum:
            continue
        estimates[name] = metric(rows)
        scores.append(_score(name, rows, item, annotator, interval_of(estimates[name], rows)))
    pooled = _pooled(group, names, [score.name for score in scores], item, annotator, minimum)
    defined = [score for score in scores if not np.isnan(estimates[score.name].value)]
    if len(defined) < 2:
        return GroupScores((*scores, *pooled), None, None)
    lowest, *_, highest = sorted(defined, key=lambda score: estimates[score.name].value)
    rows = np.isin(group, [names.index(lowest.name), names.index(highest.name)])
    few = min(lowest.people, highest.people) < FEW_ANNOTATORS
    gap = interval_of(estimates[highest.name] - estimates[lowest.name], rows, fixed=few)
    return GroupScores((*scores, *pooled), (highest if lower_is_better else lowest).name, gap)


def pooled_name(values: int, minimum: int = SMALLEST_GROUP) -> str:
    """What all values held by too few people are called together."""
    return f"fewer than {minimum} ({values} value{'s' if values > 1 else ''})"


def _pooled(
    group: np.ndarray, names: list[str], scored: list[str], item: np.ndarray, annotator: np.ndarray, minimum: int
) -> list[GroupScore]:
    small = [code for code, name in enumerate(names) if name not in scored and (group == code).any()]
    return [_score(pooled_name(len(small), minimum), np.isin(group, small), item, annotator, None)] if small else []


def _score(
    name: str, rows: np.ndarray, item: np.ndarray, annotator: np.ndarray, interval: Interval | None
) -> GroupScore:
    return GroupScore(name, int(rows.sum()), len(np.unique(item[rows])), len(np.unique(annotator[rows])), interval)


def _at(estimate: Estimate, rows: np.ndarray) -> Estimate:
    return Estimate(estimate.value, estimate.influence[rows])


def quartiles(values: pd.Series) -> np.ndarray:
    """Where numbers are divided, float64 [edge], ascending; fewer than three where many are equal."""
    return np.unique(np.quantile(values.dropna().to_numpy(float), QUARTILES))


def range_names(edges: np.ndarray, beyond: bool) -> list[str]:
    """Of the ranges that end at the edges, and of what is beyond the last, where anybody is. The ends stay open: they
    are single people."""
    between = [f"over {low:g} to {high:g}" for low, high in pairwise(edges)]
    return [f"up to {edges[0]:g}", *between, *([f"over {edges[-1]:g}"] if beyond else [])]
