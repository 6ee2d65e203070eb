"""The scores of LeWiDi-2023 as published: cross-entropy against soft labels, micro-F1 against official hard labels.

The published soft labels are rounded to two decimals, and the official scorer compares with those.
Paper: Leonardelli et al. 2023, SemEval-2023 Task 11: Learning With Disagreements.
"""

import numpy as np

from perspectives.metrics import individual
from perspectives.metrics.arrays import NEAR_ZERO, distributions
from perspectives.metrics.estimate import Estimate, mean

INSIDE_LOG = 1e-9


def cross_entropy(target: np.ndarray, predicted: np.ndarray) -> Estimate:
    """Mean over items of −Σ target · ln(clip(predicted, 1e-12, 1 − 1e-12) + 1e-9); 0..20.7.

    target: published soft labels, predicted: probabilities, both float [item, level]. Empty input gives nan.
    """
    target, predicted = distributions(target, predicted)
    return mean(-(target * np.log(np.clip(predicted, NEAR_ZERO, 1 - NEAR_ZERO) + INSIDE_LOG)).sum(1))


def hard_label(predicted: np.ndarray) -> np.ndarray:
    """Return the most probable level, int64 [item]; of equally probable ones the first, here the negative one."""
    return np.asarray(predicted).argmax(1)


def micro_f1(official: np.ndarray, predicted: np.ndarray) -> Estimate:
    """Micro-F1 of `hard_label(predicted)` against the published hard label, 0..1.

    official: int64 [item] positions of the published `hard_label`; predicted: probabilities [item, level].
    """
    predicted = np.asarray(predicted, float)
    # With one label per item micro-F1 over all levels is the accuracy.
    return individual.accuracy(official, hard_label(predicted), predicted.shape[1])
