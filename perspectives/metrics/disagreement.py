"""Metrics of how well disagreement is predicted, and of selective prediction. The unit is the item.

Human and predicted disagreement are compared by correlating `entropy` or `variance` of the two soft labels:
`pearson(entropy(target), entropy(predicted))`. Selective prediction answers only the items of high confidence.
"""

import numpy as np

from perspectives.metrics.arrays import numbers
from perspectives.metrics.estimate import Estimate, pearson, spearman, undefined
from perspectives.metrics.soft import entropy

__all__ = ["aurc", "entropy", "pearson", "risk_coverage", "spearman", "variance"]


def variance(soft: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Variance of a label drawn from each row, float64 [item], ≥ 0.

    soft: [item, level], rows sum to 1. values: numeric value of each level, float [level] (`Scale.values`).
    """
    soft, values = np.asarray(soft, float), np.asarray(values, float)
    centre = soft @ values
    return (soft * (values - centre[:, None]) ** 2).sum(1)


def risk_coverage(confidence: np.ndarray, error: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the risk-coverage curve: coverage and risk, float64 [threshold], by rising coverage.

    confidence: float [item], any monotone score. error: float [item], the prediction's loss (0/1 or graded).
    One point per distinct confidence: items of equal confidence are answered together, so that the order of items has
    no effect. Both are empty on empty input.
    Paper: El-Yaniv and Wiener 2010, On the Foundations of Noise-free Selective Classification.
    """
    _, _, covered, risk = _thresholds(confidence, error)
    return covered / max(len(np.asarray(error)), 1), risk


def aurc(confidence: np.ndarray, error: np.ndarray) -> Estimate:
    """Area under the risk-coverage curve: mean over items of the risk of answering all items at least as confident.

    Lower is better, 0..highest error; undefined on empty input. Arguments as for `risk_coverage`.
    Paper: Geifman, Uziel, El-Yaniv 2019, Bias-Reduced Uncertainty Estimation for Deep Neural Classifiers.
    """
    position, size, covered, risk = _thresholds(confidence, error)
    units = len(position)
    if not units:
        return undefined(0)
    area = float((size * risk).sum() / units)
    # An item moves the area as one of the thresholds and through the risk at its own and every lower confidence.
    per_error = np.cumsum((size / covered)[::-1])[::-1][position]
    offset = np.cumsum((size * risk / covered)[::-1])[::-1][position]
    return Estimate(area, (risk[position] - area + np.asarray(error, float) * per_error - offset) / units)


def _thresholds(confidence: np.ndarray, error: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return each item's threshold, int64 [item], most confident first, and per threshold its items, coverage, risk."""
    confidence, error = numbers("confidence", confidence, "error", error)
    _, position, size = np.unique(-confidence, return_inverse=True, return_counts=True)
    covered = np.cumsum(size)
    return position, size, covered, np.cumsum(np.bincount(position, error, len(size))) / covered
