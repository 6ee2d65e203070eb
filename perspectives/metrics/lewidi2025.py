"""The scores of LeWiDi-2025 as the organisers' notebook computes them: soft and perspectivist, means over items.

| | soft | perspectivist |
|---|---|---|
| MP (two levels) | Manhattan distance | error rate |
| CSC, Paraphrase (ordered levels) | Wasserstein distance, in levels | absolute distance / number of levels |
| VariErrNLI (sets of levels) | Manhattan distance, mean over levels | error rate, mean over levels |

The perspectivist scores average an item's annotators first: here they are means over pairs weighted by
`item_weights`, so that intervals account for both items and annotators. The labels scored are those with the least
expected score, `LABELS_OF_SCALE`.
Paper: Leonardelli et al. 2025, LeWiDi-2025 at NLPerspectives (arXiv:2510.08460); notebook
Evaluation_LeWiDi_2025_Metrics.ipynb in github.com/Le-Wi-Di/le-wi-di.github.io.
"""

import numpy as np

from perspectives.errors import DataError
from perspectives.metrics import individual, soft
from perspectives.metrics.arrays import indicators
from perspectives.metrics.estimate import Estimate, mean

# Soft. --------------------------------------------------------------------------------------------------------------


def manhattan(target: np.ndarray, predicted: np.ndarray) -> Estimate:
    """Mean Σ |target − predicted| over items, 0..2; both float [item, level], rows sum to 1. Empty input gives nan."""
    return soft.manhattan(target, predicted)


def multilabel_manhattan(target: np.ndarray, predicted: np.ndarray) -> Estimate:
    """Mean over items and levels of the Manhattan distance between (1 − p, p) of both, 0..2.

    target, predicted: float [item, level], the probability that the level is in the set, 0..1; rows need not sum to 1.
    Raises DataError for other values and for shapes that do not match.
    """
    target, predicted = np.asarray(target, float), np.asarray(predicted, float)
    if target.shape != predicted.shape or target.ndim != 2:
        raise DataError(
            f"target {target.shape} and predicted {predicted.shape} must both be [item, level], of the same shape"
        )
    for name, shares in (("target", target), ("predicted", predicted)):
        if not ((shares >= 0) & (shares <= 1)).all():
            raise DataError(f"{name} holds numbers outside 0 to 1, or nan; pass the probability of each level")
    return mean(2 * np.abs(target - predicted).mean(1))


def wasserstein(target: np.ndarray, predicted: np.ndarray) -> Estimate:
    """Mean Wasserstein-1 distance where neighbouring levels are 1 apart, 0..levels − 1.

    target, predicted: float [item, level]. Published rows that sum to .99 or 1.02 are rescaled, as the notebook does.
    """
    target = np.asarray(target, float)
    target = target / np.maximum(target.sum(-1, keepdims=True), np.finfo(float).tiny)
    return soft.wasserstein1(target, predicted, np.arange(target.shape[-1]))


# Perspectivist. -----------------------------------------------------------------------------------------------------


def item_weights(item_index: np.ndarray) -> np.ndarray:
    """Return 1 / annotators of the pair's item, float64 [pair]: with it a mean over pairs is one over items."""
    raters = np.bincount(item_index)
    return 1 / raters[item_index]


def error_rate(labels: np.ndarray, predicted: np.ndarray, item_index: np.ndarray) -> Estimate:
    """Mean over items of the share of annotators whose label differs from the prediction, 0..1.

    labels, predicted: int64 [pair], positions of levels. item_index: int64 [pair], the item of each.
    """
    return individual.error_rate(labels, predicted, item_weights(item_index))


def multilabel_error_rate(labels: np.ndarray, predicted: np.ndarray, item_index: np.ndarray) -> Estimate:
    """Mean over items of the share of (annotator, level) for which set membership is predicted wrong, 0..1.

    labels, predicted: 0/1 indicators [pair, level].
    """
    labels, predicted = indicators(labels, predicted)
    return mean((labels != predicted).mean(1), item_weights(item_index))


def absolute_distance(values: np.ndarray, predicted: np.ndarray, item_index: np.ndarray, normaliser: float) -> Estimate:
    """Mean over items of the annotators' mean |value − prediction| / normaliser.

    values, predicted: numbers of the levels, float [pair]. normaliser: in the task the number of levels, 11 for
        Paraphrase and 6 for CSC, so that the worst score is below 1 (the largest distance is 10 and 5).
    """
    return individual.normalised_distance(values, predicted, normaliser, item_weights(item_index))


# Labels with the least expected score. ------------------------------------------------------------------------------


def likely_labels(probabilities: np.ndarray) -> np.ndarray:
    """Return the most probable level, the lowest of equals, int64 [pair]. It has the least expected error.

    probabilities: [pair, level].
    """
    return np.asarray(probabilities).argmax(-1)


def median_labels(probabilities: np.ndarray) -> np.ndarray:
    """Return the level at which half the probability is reached, int64 [pair]: least expected absolute distance.

    probabilities: [pair, level] of ordered levels. Rounding to single precision does not count as falling short.
    """
    reached = np.cumsum(np.asarray(probabilities, float), axis=-1)
    return (reached >= reached[..., -1:] / 2 - 1e-6).argmax(-1)


def likely_sets(probabilities: np.ndarray) -> np.ndarray:
    """Return the levels more probable than not, int64 0/1 [pair, level]. They have the least expected error."""
    return (np.asarray(probabilities) > 0.5).astype(np.int64)


LABELS_OF_SCALE = {"nominal": likely_labels, "ordinal": median_labels, "multilabel": likely_sets}
