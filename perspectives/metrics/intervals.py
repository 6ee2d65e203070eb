"""Confidence intervals and tests that account for pairs sharing items and annotators.

The variance of a metric is that over items + that over annotators − that over pairs; resampling items alone is too
narrow when other annotators might have answered. Intervals are symmetric and may leave the metric's range; at the end
of its range (accuracy 1, an F1 of 0) a metric has influence 0 everywhere and an interval of width 0, whatever its n.
Paper: Cameron, Gelbach, Miller 2011, Robust Inference With Multiway Clustering.
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student

from perspectives.errors import DataError
from perspectives.metrics.estimate import Estimate

FEW_ANNOTATORS = 20  # with fewer, a variance over annotators is too noisy to be used


@dataclass(frozen=True)
class Interval:
    """A metric with its confidence interval.

    value, low, high, se: nan where the metric is undefined or there are too few clusters.
    clusters: how many items (and annotators) the interval rests on, by name.
    dof: degrees of freedom of the t quantile. level: confidence level.
    annotators_fixed: True where the interval is about these annotators only, because there are too few to generalise
        or because the metric is one of items.
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
        """Two-sided p-value of the null hypothesis that the value is 0; 1 for a difference that is 0 everywhere."""
        if self.se == 0:
            return float(self.value == 0)
        return float(2 * student.sf(abs(self.value) / self.se, self.dof)) if self.se > 0 else float("nan")


def two_way(estimate: Estimate, item: np.ndarray, annotator: np.ndarray, level: float = 0.95) -> Interval:
    """Return the interval of a metric of pairs, generalising to other items and other annotators.

    item, annotator: [unit], any ids. Each variance has the small-sample factor clusters / (clusters − 1); the t
    quantile has min(clusters) − 1 degrees of freedom. Where the difference of variances is not positive, the larger
    one-way variance is used. Fewer than 20 annotators are taken as fixed, and the interval is that of `by_item`.

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
    """Return the interval of a metric, generalising to other items with the same annotators.

    item: ids [unit]; None where each unit is an item of its own. Pass the ids of `group_by` where items share templates
        or contexts.

    Raises DataError when ids and units do not match.
    """
    items = _codes(estimate, np.arange(len(estimate)) if item is None else item, "item")
    clusters = {"item": _count(items)}
    return _interval(estimate, _variance(estimate, items), clusters, clusters["item"], level, fixed=True)


def holm(p_values: np.ndarray) -> np.ndarray:
    """Return Holm-adjusted p-values in the order given, float64 [test]; nan (undefined) stays nan and does not count.

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
