"""PM, also called CRH: an annotator weighs minus the logarithm of their errors, relative to the worst annotator's.

Paper: Li et al. 2014, Resolving Conflicts in Heterogeneous Data by Truth Discovery and Source Reliability Estimation
(SIGMOD). Errors are summed, as Zheng et al. 2017 do, not averaged: people with few annotations weigh more.
"""

import numpy as np

from perspectives.quality.aggregation.incidence import Incidence
from perspectives.quality.aggregation.result import Aggregate
from perspectives.quality.aggregation.truth_discovery import discover

LEAST = 1e-7  # share of errors and weight nobody goes below: the worst annotator still decides where nobody else does


def pm(incidence: Incidence, iterations: int = 100) -> Aggregate:
    """annotators: `weight` [annotator], positive. Shares of weighted votes are no probabilities."""

    def weigh(errors: np.ndarray) -> np.ndarray:
        share = errors / max(errors.max(), LEAST)
        return LEAST - np.log(np.maximum(share, LEAST))

    return discover(incidence, weigh, iterations)
