"""KOS: message passing between items and annotators, for two levels.

Paper: Karger, Oh, Shah 2011, Iterative Learning for Reliable Crowdsourcing Systems (NIPS). Messages start at 1 plus
standard normal noise; they are scaled in every round, which changes no sign.
"""

import numpy as np
from scipy.special import ndtri

from perspectives.errors import DataError
from perspectives.quality.aggregation.incidence import Incidence
from perspectives.quality.aggregation.result import Aggregate, hard, known
from perspectives.quality.aggregation.starts import pair_draws


def kos(incidence: Incidence, iterations: int = 10, seed: int = 0) -> Aggregate:
    """Labels by the sign of the sum of an item's messages; the posterior is 0, 1 or, for a sum of 0, one half.

    annotators: `reliability` [annotator], mean of the messages the annotator sends, on no particular scale: below 0
    they tend to be wrong. Raises DataError for scales of more than two levels.
    """
    if incidence.levels != 2:
        raise DataError(f"kos needs labels on two levels; got {incidence.levels}; use dawid_skene or zencrowd")
    sign = incidence.count * (2.0 * incidence.label - 1)
    message = 1 + ndtri(np.clip(pair_draws(incidence, seed), 1e-12, None))  # [cell], from annotators to items
    for _ in range(max(iterations, 1)):
        to_annotator = _from_others(sign * message, incidence.item, incidence.items)
        to_item = _from_others(sign * to_annotator, incidence.annotator, incidence.annotators)
        message = to_item / max(np.abs(to_item).max(), 1e-300)
    total = np.bincount(incidence.item, sign * message, incidence.items)
    sums = np.bincount(incidence.annotator, message, incidence.annotators)
    reliability = sums / np.maximum(np.bincount(incidence.annotator, minlength=incidence.annotators), 1)
    posterior = hard(np.column_stack([-total, total]))
    return Aggregate(known(incidence, posterior), {"reliability": reliability}, seed=seed)


def _from_others(message: np.ndarray, group: np.ndarray, size: int) -> np.ndarray:
    """Sum of the messages of the same group without the own one, float64 [cell]."""
    return np.bincount(group, message, size)[group] - message
