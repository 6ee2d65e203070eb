"""Metrics of the distribution of human labels. The unit is the item.

target, predicted: float [item, level], rows sum to 1 (up to rounding), no nan: select the items that have annotations.
Logarithms are natural unless a metric states bits. Empty input gives nan. DataError is raised for rows that are not
distributions and for shapes that do not match.

All distances are means over items of sums over levels of a function of (target, predicted). This makes the finite-panel
ceiling exact: a panel's share of one level is binomial, whatever its shares of the others.
"""

from collections.abc import Callable

import numpy as np
from scipy.special import entr, rel_entr, xlogy
from scipy.stats import binom

from perspectives.errors import ConfigError, DataError
from perspectives.metrics.arrays import NEAR_ZERO, distributions
from perspectives.metrics.estimate import Estimate, combine, mean, ratio


def cross_entropy(target: np.ndarray, predicted: np.ndarray, eps: float = NEAR_ZERO) -> Estimate:
    """Mean of −Σ target · ln(predicted), ≥ `entropy_bound`; predicted is clipped from below at `eps`."""
    target, predicted = distributions(target, predicted)
    return mean(_cross_entropy(target, predicted, eps).sum(1))


def entropy_bound(target: np.ndarray) -> Estimate:
    """Mean entropy of the targets, which is the lowest cross-entropy: that of predicting the targets themselves."""
    target, _ = distributions(target, target)
    return mean(entropy(target))


def entropy(soft: np.ndarray) -> np.ndarray:
    """−Σ p ln p of each row, float64 [item], 0..ln(levels)."""
    return entr(np.asarray(soft, float)).sum(1)


def kl(target: np.ndarray, predicted: np.ndarray, eps: float = NEAR_ZERO) -> Estimate:
    """Mean Kullback-Leibler divergence of the prediction from the target: cross-entropy minus entropy, ≥ 0."""
    target, predicted = distributions(target, predicted)
    return mean(_kl(target, predicted, eps).sum(1))


def jsd(target: np.ndarray, predicted: np.ndarray) -> Estimate:
    """Mean Jensen-Shannon divergence in bits, 0..1 (the divergence, not its square root). Paper: Lin 1991."""
    target, predicted = distributions(target, predicted)
    return mean(_jsd(target, predicted).sum(1))


def manhattan(target: np.ndarray, predicted: np.ndarray) -> Estimate:
    """Mean Σ |target − predicted|, 0..2, as in LeWiDi-2025. Paper: Leonardelli et al. 2025."""
    target, predicted = distributions(target, predicted)
    return mean(_manhattan(target, predicted).sum(1))


def total_variation(target: np.ndarray, predicted: np.ndarray) -> Estimate:
    """Half the Manhattan distance, 0..1: the probability mass on wrong levels."""
    return combine([manhattan(target, predicted)], [0.5])


def brier(target: np.ndarray, predicted: np.ndarray) -> Estimate:
    """Mean Σ (target − predicted)², 0..2. Paper: Brier 1950."""
    target, predicted = distributions(target, predicted)
    return mean(_brier(target, predicted).sum(1))


def wasserstein1(target: np.ndarray, predicted: np.ndarray, values: np.ndarray) -> Estimate:
    """Mean earth mover's distance of distributions on the numbers `values`, float [level] (`Scale.values`).

    0..(highest − lowest value). Paper: Leonardelli et al. 2025 (LeWiDi-2025, ordinal sets).
    """
    target, predicted = distributions(target, predicted)
    below, gaps = _cumulative(target, values)
    return mean(_manhattan(below, _cumulative(predicted, values)[0]) @ gaps)


def soft_macro_f1(target: np.ndarray, predicted: np.ndarray) -> Estimate:
    """Mean over levels of 2 Σ min(target, predicted) / Σ (target + predicted), 0..1; 0 for an unused level.

    The micro average would be 1 − total variation. Paper: Kurniawan et al. 2026, Training and Evaluating with Human
    Label Variation (fuzzy sets: the overlap of two soft labels is their element-wise minimum).
    """
    target, predicted = distributions(target, predicted)
    overlap, total = 2 * np.minimum(target, predicted), target + predicted
    absent = Estimate(0.0, np.zeros(len(target)))
    if not len(target):
        return mean(np.zeros(0))
    return combine([ratio(o, t) if t.any() else absent for o, t in zip(overlap.T, total.T, strict=True)])


# Constant predictions, which a model has to beat. ------------------------------------------------------------------


def median_soft_label(train: np.ndarray) -> np.ndarray:
    """Return the one distribution with the lowest Manhattan distance on `train` [item, level], float64 [level].

    With two levels it is the median of each level. With more, medians need not sum to 1 and renormalising them is not
    optimal: at the optimum every level has its value at the same quantile, the one at which these values sum to 1 (the
    Lagrange condition). Raises DataError on empty input.
    """
    ordered = np.sort(np.asarray(train, float), axis=0)
    if not len(ordered):
        raise DataError("the median of no soft labels is undefined; pass the training items")
    sums = ordered.sum(1)
    upper = min(int(np.searchsorted(sums, 1)), len(sums) - 1)
    lower = max(upper - 1, 0)
    gap = sums[upper] - sums[lower]
    share = np.clip((1 - sums[lower]) / gap, 0, 1) if gap > 0 else 0.0
    return ordered[lower] + share * (ordered[upper] - ordered[lower])


def finite_panel_ceiling(
    rate: np.ndarray, raters: int | np.ndarray, metric: str, values: np.ndarray | None = None
) -> Estimate:
    """Return the expected score of a perfect model of `rate` when targets are soft labels of panels drawn from it.

    rate: [item, level], the probability of each label. raters: panel size, one number or int64 [item], ≥ 1.
    metric: `cross_entropy` (the same for every panel), `kl`, `jsd`, `manhattan`, `total_variation`, `brier` or
        `wasserstein1` (needs `values`). Exact, by the binomial distribution of each level's count.

    Influences take `rate` as given. Raises ConfigError for another metric, DataError for raters below 1.
    """
    rate, _ = distributions(rate, rate)
    panel = np.broadcast_to(np.asarray(raters), len(rate))
    if (panel < 1).any():
        raise DataError(f"raters holds {panel.min()}; expected at least 1 per item")
    if metric not in (*_ELEMENTS, "wasserstein1"):
        raise ConfigError(f"metric={metric!r} has no ceiling; choose one of {', '.join(_ELEMENTS)}, wasserstein1")
    element, scale = _ELEMENTS.get(metric, _manhattan), np.ones(rate.shape[1])
    if metric == "wasserstein1":
        if values is None:
            raise ConfigError("metric=wasserstein1 needs the numeric value of each level; pass values=")
        rate, scale = _cumulative(rate, values)
    expected = np.zeros(rate.shape)
    for size in np.unique(panel):
        rows = rate[panel == size]
        for count in range(size + 1):
            score = element(np.full_like(rows, count / size), rows)
            expected[panel == size] += binom.pmf(count, size, np.clip(rows, 0, 1)) * score
    return mean(expected @ scale)


def _cross_entropy(target: np.ndarray, predicted: np.ndarray, eps: float = NEAR_ZERO) -> np.ndarray:
    return -xlogy(target, np.maximum(predicted, eps))


def _kl(target: np.ndarray, predicted: np.ndarray, eps: float = NEAR_ZERO) -> np.ndarray:
    return _cross_entropy(target, predicted, eps) - entr(target)


def _jsd(target: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    middle = (target + predicted) / 2
    return (rel_entr(target, middle) + rel_entr(predicted, middle)) / (2 * np.log(2))


def _manhattan(target: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    return np.abs(target - predicted)


def _brier(target: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    return (target - predicted) ** 2


def _cumulative(soft: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mass at or below each value but the highest, [item, level − 1], and the gaps between values."""
    values = np.asarray(values, float)
    if len(values) != soft.shape[1]:
        raise DataError(f"values {list(values)} must hold one number for each of the {soft.shape[1]} levels")
    order = np.argsort(values)
    return np.cumsum(soft[:, order], axis=1)[:, :-1], np.diff(values[order])


_ELEMENTS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "cross_entropy": _cross_entropy,
    "kl": _kl,
    "jsd": _jsd,
    "manhattan": _manhattan,
    "total_variation": lambda target, predicted: _manhattan(target, predicted) / 2,
    "brier": _brier,
}
