"""The loop of truth discovery: labels from weighted votes, weights from the annotators' errors, and so on."""

from collections.abc import Callable

import numpy as np

from perspectives.quality.aggregation.incidence import Incidence
from perspectives.quality.aggregation.result import Aggregate, hard
from perspectives.quality.aggregation.weighted import vote_shares


def discover(incidence: Incidence, weigh: Callable[[np.ndarray], np.ndarray], iterations: int) -> Aggregate:
    """Start from the majority and stop when no label changes.

    weigh: number of each annotator's annotations that differ from the current labels [annotator] → weights [annotator],
        positive. An item whose best levels are tied counts as an equal share of each.
    annotators: `weight` [annotator].
    """
    given = incidence.given.sum(1)
    truth = hard(incidence.votes)
    for _ in range(max(iterations, 1)):
        weight = weigh(np.maximum(given - incidence.hits(truth).sum(1), 0))
        scores = incidence.weighted_votes(weight)
        before, truth = truth, hard(scores)
        if converged := bool(np.array_equal(before, truth)):
            break
    return Aggregate(vote_shares(incidence, scores), {"weight": weight}, converged=converged)
