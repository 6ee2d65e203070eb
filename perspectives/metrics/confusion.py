"""Metrics as functions of confusion counts, float or complex [level (label), level (predicted)], for `of_confusion`.

They use +, −, ·, / and sums only, so that `of_confusion` can differentiate them by the complex step. A ratio with
denominator 0 (a level that is absent, or never predicted) is 0, as with `zero_division=0` in scikit-learn.
"""

import numpy as np


def accuracy(counts: np.ndarray) -> np.ndarray:
    """Share of the units predicted right."""
    return np.trace(counts) / counts.sum()


def precision(counts: np.ndarray) -> np.ndarray:
    """Share of the predictions of each level that are right, [level]."""
    return _ratio(np.diagonal(counts), counts.sum(0))


def recall(counts: np.ndarray) -> np.ndarray:
    """Share of the units of each level that are predicted as that level, [level]."""
    return _ratio(np.diagonal(counts), counts.sum(1))


def f1(counts: np.ndarray) -> np.ndarray:
    """Harmonic mean of precision and recall, [level]."""
    return _ratio(2 * np.diagonal(counts), counts.sum(0) + counts.sum(1))


def macro_f1(counts: np.ndarray) -> np.ndarray:
    """Mean F1 over all levels of the scale, absent ones counting 0."""
    return f1(counts).mean()


def quadratic_kappa(counts: np.ndarray) -> np.ndarray:
    """1 − observed / chance disagreement, weighted by squared level distance; nan where chance disagreement is 0.

    Paper: Cohen 1968, Weighted kappa.
    """
    rank = np.arange(len(counts))
    distance = (rank[:, None] - rank) ** 2
    chance = (distance * np.outer(counts.sum(1), counts.sum(0))).sum() / counts.sum()
    return 1 - (distance * counts).sum() / chance if chance != 0 else np.asarray(np.nan)


def _ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    return np.divide(numerator, denominator, out=np.zeros_like(denominator), where=denominator != 0)
