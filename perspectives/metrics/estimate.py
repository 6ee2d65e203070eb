"""A metric's value together with each unit's influence on it, from which intervals and paired tests are computed.

influence[i] is the derivative of the metric with respect to the weight of unit i, at weight one. Metrics do not change
when all weights are multiplied by a number, so influences sum to zero, and Σ over clusters of (Σ influence in the
cluster)² is the cluster-robust (sandwich) variance of the metric.
Papers: Hampel 1974, The influence curve and its role in robust estimation; Efron 1982, The jackknife, chapter 6.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from perspectives.errors import DataError
from perspectives.metrics.arrays import level_codes, numbers

STEP = 1e-30  # of the complex-step derivative; no subtraction takes place, so the smaller the better


@dataclass(frozen=True, eq=False)
class Estimate:
    """A metric's value and its first-order sensitivity to each unit (a pair or an item).

    value: the metric; nan where it is undefined, for example on empty input.
    influence: float64 [unit], sums to 0; nan throughout where the metric is undefined, [0] on empty input.
    """

    value: float
    influence: np.ndarray

    def __float__(self) -> float:
        return self.value

    def __len__(self) -> int:
        return len(self.influence)

    def __sub__(self, other: "Estimate") -> "Estimate":
        """Return the difference of two metrics, for paired tests. Raises DataError unless their units are the same."""
        return combine([self, other], [1, -1])

    def then(self, function: Callable[[float], float], derivative: Callable[[float], float]) -> "Estimate":
        """Return the estimate of function(metric), by the chain rule."""
        return Estimate(float(function(self.value)), derivative(self.value) * self.influence)

    def within(self, rows: np.ndarray, units: int) -> "Estimate":
        """Return the same estimate with influences on all `units`, of which it used `rows` (mask, or positions).

        Units it did not use have influence 0, so that metrics of two groups, or of the folds of a cross-validation, can
        be combined although they were computed on different units.
        """
        influence = np.zeros(units)
        influence[rows] = self.influence
        return Estimate(self.value, influence)


def combine(estimates: Sequence[Estimate], weights: Sequence[float] | None = None) -> Estimate:
    """Return Σ weights · estimates on the same units; the plain mean when weights are None.

    Raises DataError when the estimates have different numbers of units.
    """
    sizes = {len(estimate) for estimate in estimates}
    if len(sizes) != 1:
        raise DataError(
            f"estimates on {sorted(sizes)} units cannot be combined; compute them on the same units, or place them "
            "among all units with `within`"
        )
    shares = np.full(len(estimates), 1 / len(estimates)) if weights is None else np.asarray(weights, float)
    value = sum(share * estimate.value for share, estimate in zip(shares, estimates, strict=True))
    return Estimate(float(value), shares @ np.stack([estimate.influence for estimate in estimates]))


def undefined(units: int) -> Estimate:
    """Return the estimate of a metric that has no value on these units: nan throughout."""
    return Estimate(float("nan"), np.full(units, np.nan))


def mean(x: np.ndarray, weight: np.ndarray | None = None) -> Estimate:
    """Return the weighted mean Σ weight · x / Σ weight.

    x: [unit]. weight: float [unit], not negative; None counts every unit once.
    Undefined (nan) on empty input or when the weights sum to 0.
    """
    weight = np.ones(len(x)) if weight is None else np.asarray(weight, float)
    return ratio(np.asarray(x, float) * weight, weight)


def ratio(numerator: np.ndarray, denominator: np.ndarray) -> Estimate:
    """Return Σ numerator / Σ denominator, both float [unit]; undefined where the denominator sums to 0."""
    numerator, denominator = numbers("numerator", numerator, "denominator", denominator)
    total = denominator.sum()
    if total == 0:
        return undefined(len(numerator))
    value = numerator.sum() / total
    return Estimate(float(value), (numerator - value * denominator) / total)


def of_confusion(
    function: Callable[[np.ndarray], np.ndarray], labels: np.ndarray, predicted: np.ndarray, size: int
) -> Estimate:
    """Return the estimate of a metric that depends on the data through the confusion counts only.

    function: counts [level (label), level (predicted)] → number. It must be built of +, −, ·, / and sums (no
        comparison, maximum or absolute value) and not change when all counts are multiplied: its gradient is taken
        by the complex step, which is exact to rounding for such functions.
    labels, predicted: int64 [unit] in 0..size-1. A unit whose label is -1 (no vote, dropped tie) is left out: it is
        not counted and has influence 0.

    Undefined (nan) when no unit counts, or where the function itself is nan. Raises DataError for values off the scale.
    Paper: Squire and Trapp 1998, Using complex variables to estimate derivatives of real functions.
    """
    labels, predicted = level_codes(labels, predicted, size)
    used = labels >= 0
    counts = np.zeros((size, size))
    np.add.at(counts, (labels[used], predicted[used]), 1)
    value = float(function(counts)) if used.any() else float("nan")
    if np.isnan(value):
        return undefined(len(labels))
    gradient = np.zeros((size, size))
    for cell in zip(*np.nonzero(counts), strict=True):
        moved = counts.astype(complex)
        moved[cell] += STEP * 1j
        gradient[cell] = np.imag(function(moved)) / STEP
    influence = np.zeros(len(labels))
    influence[used] = gradient[labels[used], predicted[used]]
    return Estimate(value, influence)


def pearson(x: np.ndarray, y: np.ndarray) -> Estimate:
    """Pearson's correlation of x and y, float [unit]; undefined below two units or where one is constant.

    Paper: Devlin, Gnanadesikan, Kettenring 1975, Robust estimation and outlier detection with correlation coefficients.
    """
    x, y = numbers("x", x, "y", y)
    zx, zy = _standardised(x), _standardised(y)
    if not len(zx) or np.isnan(zx + zy).any():
        return undefined(len(zx))
    value = float((zx * zy).mean())
    return Estimate(value, (zx * zy - value * (zx**2 + zy**2) / 2) / len(zx))


def spearman(x: np.ndarray, y: np.ndarray) -> Estimate:
    """Pearson's correlation of the mid-ranks of x and y, float [unit]; undefined where Pearson's is.

    The influence of a unit includes its effect on the ranks of the others. It describes large samples, as for all rank
    statistics, so intervals are approximate below about 30 units.
    """
    ranks, others = rankdata(x), rankdata(y)
    estimate = pearson(ranks, others)
    if np.isnan(estimate.value):
        return estimate
    moved = _through_ranks(ranks, others, estimate.value) + _through_ranks(others, ranks, estimate.value)
    return Estimate(estimate.value, estimate.influence + moved)


def _through_ranks(ranks: np.ndarray, others: np.ndarray, correlation: float) -> np.ndarray:
    """Return how each unit changes the correlation by raising the ranks above it, and its own by half, [unit]."""
    slope = (_standardised(others) - correlation * _standardised(ranks)) / (len(ranks) * ranks.std())
    _, position = np.unique(ranks, return_inverse=True)
    per_rank = np.bincount(position, slope)
    above = per_rank.sum() - np.cumsum(per_rank)
    return (above + per_rank / 2)[position]


def _standardised(x: np.ndarray) -> np.ndarray:
    """Return x centred and divided by its population standard deviation; nan where x is constant up to rounding."""
    if not len(x):
        return x
    centred = x - x.mean()
    deviation = np.sqrt((centred**2).mean())
    constant = deviation <= 1e-14 * max(np.abs(x).max(), 1e-300)
    return np.full(len(x), np.nan) if constant else centred / deviation
