"""Metrics of the item's majority label. The unit is the item.

labels: int64 [item], the majority of the humans (`quality.aggregation.majority.majority_vote`, whose tie rule is part
of the result); an item with -1 (no vote, dropped tie) is left out. predicted: int64 [item] in 0..size-1. Empty input
gives nan; DataError is raised for values off the scale. A ratio with denominator 0 is 0.
Accuracy and F1 are those of `individual`.
"""

import numpy as np

from perspectives.metrics import confusion
from perspectives.metrics.estimate import Estimate, of_confusion
from perspectives.metrics.individual import accuracy, f1, macro_f1

__all__ = ["accuracy", "f1", "macro_f1", "precision", "recall"]


def precision(labels: np.ndarray, predicted: np.ndarray, size: int, positive: int = -1) -> Estimate:
    """Share of the items predicted as level `positive` (default: the last one) whose majority label it is, 0..1."""
    return of_confusion(lambda counts: confusion.precision(counts)[positive], labels, predicted, size)


def recall(labels: np.ndarray, predicted: np.ndarray, size: int, positive: int = -1) -> Estimate:
    """Share of the items with majority label `positive` (default: the last level) that are predicted so, 0..1."""
    return of_confusion(lambda counts: confusion.recall(counts)[positive], labels, predicted, size)
