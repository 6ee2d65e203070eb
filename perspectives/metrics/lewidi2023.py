"""The scores of LeWiDi-2023 as published: cross-entropy against soft labels, micro-F1 against official hard labels.

The published soft labels are rounded to two decimals, and the scorer compares with those: `published_soft_label`.
Paper: Leonardelli et al. 2023, SemEval-2023 Task 11: Learning With Disagreements.
"""

import numpy as np

from perspectives.metrics import individual
from perspectives.metrics.arrays import distributions
from perspectives.metrics.estimate import Estimate, mean

CLIP = 1e-12
INSIDE_LOG = 1e-9


def published_soft_label(soft: np.ndarray) -> np.ndarray:
    """Soft labels [item, level] rounded to two decimals, as the published files state them; rows may sum to .99."""
    return np.round(soft, 2)


def cross_entropy(target: np.ndarray, predicted: np.ndarray) -> Estimate:
    """Mean over items of −Σ target · ln(clip(predicted, 1e-12, 1 − 1e-12) + 1e-9); 0..20.7.

    target: published soft labels, predicted: probabilities, both float [item, level]. Empty input gives nan.
    """
    target, predicted = distributions(target, predicted)
    return mean(-(target * np.log(np.clip(predicted, CLIP, 1 - CLIP) + INSIDE_LOG)).sum(1))


def hard_label(predicted: np.ndarray) -> np.ndarray:
    """The most probable level, int64 [item]; between equally probable levels the first, here the negative one."""
    return np.asarray(predicted).argmax(1)


def micro_f1(official: np.ndarray, predicted: np.ndarray) -> Estimate:
    """Micro-F1 of `hard_label(predicted)` against the published hard label, 0..1.

    official: int64 [item] positions of the published `hard_label`; predicted: probabilities [item, level].
    """
    predicted = np.asarray(predicted, float)
    return individual.micro_f1(official, hard_label(predicted), predicted.shape[1])
