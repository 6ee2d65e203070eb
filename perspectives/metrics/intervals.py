"""Intervals and tests that know that pairs share items and annotators.

The variance of a metric is that over items + that over annotators − that over pairs; resampling items alone is too
narrow when other annotators might have answered. Intervals are symmetric and may leave the metric's range; a metric at
the end of its range (accuracy 1, an F1 of 0) has no influences, and its interval has width 0: read it with its support.
Paper: Cameron, Gelbach, Miller 2011, Robust Inference With Multiway Clustering.
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student

from perspectives.errors import DataError
from perspectives.metrics.estimate import Estimate

FEW_ANNOTATORS = 20  # below, a variance over annotators is too noisy to be used


@dataclass(frozen=True)
class Interval:
    """A metric with its confidence interval.

    value, low, high, se: nan where the metric is undefined or there are too few clusters.
    clusters: how many items (and annotators) the interval rests on, by name.
    dof: degrees of freedom of the t quantile. level: confidence level.
    annotators_fixed: True where the claim is about these annotators only: there were too few of them to generalise, or
        the metric is one of items.
    """

    value: float
    low: float
    high: float
    se: float
    clusters: dict[str, int]
    dof: int
    level: float
    annotators_fixed: bool

    @property
    def p_value(self) -> float:
        """Two-sided p of the value being 0, for differences; 1 for a difference that is exactly 0 everywhere."""
        if self.se == 0:
            return float(self.value == 0)
        return float(2 * student.sf(abs(self.value) / self.se, self.dof)) if self.se > 0 else float("nan")


def two_way(estimate: Estimate, item: np.ndarray, annotator: np.ndarray, level: float = 0.95) -> Interval:
    """Interval of a metric of pairs that generalises to other items and other annotators.

    item, annotator: [unit], any ids. Each variance has the small-sample factor clusters / (clusters − 1); the t
    quantile has min(clusters) − 1 degrees of freedom. Where the difference of variances is not positive, the larger
    one-way variance is used. With fewer than 20 annotators they are taken as fixed: the interval is `by_item`'s.

    Raises DataError when ids and units do not match.
    """
    items, annotators = _codes(estimate, item, "item"), _codes(estimate, annotator, "annotator")
    clusters = {"item": _count(items), "annotator": _count(annotators)}
    if clusters["annotator"] < FEW_ANNOTATORS:
        return _interval(estimate, _variance(estimate, items), clusters, clusters["item"], level, fixed=True)
    over_items, over_annotators = _variance(estimate, items), _variance(estimate, annotators)
    over_pairs = _variance(estimate, np.unique(items * clusters["annotator"] + annotators, return_inverse=True)[1])
    variance = over_items + over_annotators - over_pairs
    if variance <= 0:
        variance = max(over_items, over_annotators)
    return _interval(estimate, variance, clusters, min(clusters.values()), level, fixed=False)


def by_item(estimate: Estimate, item: np.ndarray | None = None, level: float = 0.95) -> Interval:
    """Interval that generalises to other items, with the annotators as they are.

    item: ids [unit]; None where each unit is an item of its own. Also the place for `group_by` ids, where items share
    templates or contexts. Raises DataError when ids and units do not match.
    """
    items = _codes(estimate, np.arange(len(estimate)) if item is None else item, "item")
    clusters = {"item": _count(items)}
    return _interval(estimate, _variance(estimate, items), clusters, clusters["item"], level, fixed=True)


def paired(
    a: Estimate, b: Estimate, item: np.ndarray | None = None, annotator: np.ndarray | None = None, level: float = 0.95
) -> Interval:
    """Interval and `p_value` of a − b, two metrics on the same units: `two_way` with annotators, else `by_item`.

    Raises DataError when the estimates are of different units, or annotators come without items.
    """
    if annotator is None:
        return by_item(a - b, item, level)
    if item is None:
        raise DataError("paired got annotators without items; pass the item of each pair as well")
    return two_way(a - b, item, annotator, level)


def holm(p_values: np.ndarray) -> np.ndarray:
    """Holm-adjusted p-values, float64 [test], in the order given; nan (an undefined test) stays nan and does not count.

    Paper: Holm 1979, A simple sequentially rejective multiple test procedure.
    """
    p_values = np.asarray(p_values, float)
    adjusted = np.full(p_values.shape, np.nan)
    known = np.flatnonzero(~np.isnan(p_values))
    order = known[np.argsort(p_values[known])]
    steps = p_values[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return adjusted


def _variance(estimate: Estimate, codes: np.ndarray) -> float:
    """Σ over clusters of (Σ influence)², times clusters / (clusters − 1); nan with one cluster or none."""
    clusters = _count(codes)
    if clusters < 2:
        return float("nan")
    sums = np.bincount(codes, estimate.influence)
    return float(sums @ sums) * clusters / (clusters - 1)


def _interval(
    estimate: Estimate, variance: float, clusters: dict[str, int], smallest: int, level: float, fixed: bool
) -> Interval:
    se = float(np.sqrt(variance))
    half = float(student.ppf((1 + level) / 2, max(smallest - 1, 1))) * se
    value = float(estimate)
    return Interval(value, value - half, value + half, se, clusters, max(smallest - 1, 1), level, fixed)


def _codes(estimate: Estimate, ids: np.ndarray, name: str) -> np.ndarray:
    if np.shape(ids) != (len(estimate),):
        raise DataError(f"{name} {np.shape(ids)} must name the {name} of each of the {len(estimate)} units")
    return np.unique(np.asarray(ids), return_inverse=True)[1]


def _count(codes: np.ndarray) -> int:
    return int(codes.max()) + 1 if len(codes) else 0
