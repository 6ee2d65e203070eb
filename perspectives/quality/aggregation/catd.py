"""CATD: an annotator weighs the lower confidence bound of their precision, so that few annotations count for little.

Paper: Li et al. 2014, A Confidence-Aware Approach for Truth Discovery on Long-Tail Data (PVLDB).
"""

import numpy as np
from scipy.stats import chi2

from perspectives.quality.aggregation.incidence import Incidence
from perspectives.quality.aggregation.result import Aggregate
from perspectives.quality.aggregation.truth_discovery import discover

QUANTILE = 0.025  # lower end of a 95 % interval
LEAST = 1e-8  # errors of somebody who made none


def catd(incidence: Incidence, iterations: int = 100) -> Aggregate:
    """annotators: `weight` [annotator], positive. Shares of weighted votes are no probabilities."""
    bound = chi2.ppf(QUANTILE, np.maximum(incidence.given.sum(1), 1))
    return discover(incidence, lambda errors: bound / np.maximum(errors, LEAST), iterations)
