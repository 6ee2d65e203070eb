"""Metrics of single annotations. The unit is the pair (item, annotator); metrics are pooled over all pairs.

Unless stated otherwise, labels and predicted are int64 [pair], level positions in 0..size-1; a pair whose label is -1
is left out. Empty input gives nan. A `weight`, float [pair], of 1 / raters of the pair's item turns a mean over pairs
into the mean over items of LeWiDi-2025. DataError is raised for values off the scale and for arrays that do not match.
"""

import numpy as np

from perspectives.errors import DataError
from perspectives.metrics import confusion
from perspectives.metrics.arrays import indicators, numbers
from perspectives.metrics.estimate import Estimate, combine, mean, of_confusion


def accuracy(labels: np.ndarray, predicted: np.ndarray, size: int) -> Estimate:
    """Share of pairs predicted right, 0..1."""
    return of_confusion(confusion.accuracy, labels, predicted, size)


def error_rate(labels: np.ndarray, predicted: np.ndarray, weight: np.ndarray | None = None) -> Estimate:
    """Share of pairs predicted wrong, 0..1; labels without -1. Paper: Leonardelli et al. 2025 (average error rate)."""
    return mean(_differences(labels, predicted) != 0, weight)


def macro_f1(labels: np.ndarray, predicted: np.ndarray, size: int) -> Estimate:
    """Mean F1 over all `size` levels of the scale, 0..1; a level neither labelled nor predicted counts 0."""
    return of_confusion(confusion.macro_f1, labels, predicted, size)


def f1(labels: np.ndarray, predicted: np.ndarray, size: int, positive: int = -1) -> Estimate:
    """F1 of the level `positive` (default: the last one), 0..1; 0 where it is neither labelled nor predicted."""
    return of_confusion(lambda counts: confusion.f1(counts)[positive], labels, predicted, size)


def qwk(labels: np.ndarray, predicted: np.ndarray, size: int) -> Estimate:
    """Quadratically weighted kappa, -1..1, on level positions; nan where all labels and predictions are one level.

    Paper: Cohen 1968, Weighted kappa.
    """
    return of_confusion(confusion.quadratic_kappa, labels, predicted, size)


def normalised_distance(
    values: np.ndarray, predicted: np.ndarray, normaliser: float, weight: np.ndarray | None = None
) -> Estimate:
    """Mean |value − prediction| / normaliser (LeWiDi-2025: the number of levels).

    values, predicted: numeric values of the labels (`Scale.values[labels]` or ratings), float [pair], no nan.
    Paper: Leonardelli et al. 2025, LeWiDi-2025 at NLPerspectives (average normalised absolute distance).
    """
    if not normaliser > 0:
        raise DataError(f"normaliser={normaliser} must be above 0")
    return mean(np.abs(_differences(values, predicted)) / normaliser, weight)


def mae(values: np.ndarray, predicted: np.ndarray, weight: np.ndarray | None = None) -> Estimate:
    """Mean absolute error of numeric values of labels or ratings, float [pair], no nan."""
    return mean(np.abs(_differences(values, predicted)), weight)


def rmse(values: np.ndarray, predicted: np.ndarray) -> Estimate:
    """Root mean squared error of numeric values of labels or ratings, float [pair], no nan; influence 0 at error 0."""
    squares = mean(_differences(values, predicted) ** 2)
    return squares.then(np.sqrt, lambda square: 0 if square == 0 else 1 / (2 * np.sqrt(square)))


def exact_match_error(labels: np.ndarray, predicted: np.ndarray, weight: np.ndarray | None = None) -> Estimate:
    """Share of pairs whose predicted set of levels is not exactly the annotated one, 0..1.

    labels, predicted: 0/1 indicators [pair, level].
    """
    labels, predicted = indicators(labels, predicted)
    return mean((labels != predicted).any(1), weight)


def multilabel_macro_f1(labels: np.ndarray, predicted: np.ndarray) -> Estimate:
    """Mean over levels of the F1 of "the level is in the set", 0..1; 0 for a level neither annotated nor predicted.

    labels, predicted: 0/1 indicators [pair, level].
    """
    labels, predicted = indicators(labels, predicted)
    return combine([f1(labels[:, level], predicted[:, level], 2) for level in range(labels.shape[1])])


def _differences(values: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    values, predicted = numbers("values", values, "predicted", predicted)
    return values - predicted
