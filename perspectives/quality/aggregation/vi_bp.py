"""VI-BP: belief propagation between items and annotators, for two levels.

Paper: Liu, Peng, Ihler 2012, Variational Inference for Crowdsourcing (NIPS), the one-coin model: an annotator is right
with one probability, whose prior Beta(2, 1) is integrated out by a quadrature that is exact up to 250 labels per
annotator and close beyond.
"""

import numpy as np
from scipy.special import expit, roots_jacobi

from perspectives.errors import DataError
from perspectives.quality.aggregation.incidence import Incidence
from perspectives.quality.aggregation.result import Aggregate, known

PRIOR = (2.0, 1.0)
NODES, WEIGHTS = roots_jacobi(128, PRIOR[1] - 1, PRIOR[0] - 1)
RATES, LOG_WEIGHTS = (1 + NODES) / 2, np.log(WEIGHTS)  # of the integral over the probability of being right, [node]


def vi_bp(incidence: Incidence, iterations: int = 50, tolerance: float = 1e-6) -> Aggregate:
    """Starts from people who know nothing of each other's items and stops when no message changes by more than
    `tolerance`; both levels are equally likely beforehand. Duplicates count as annotations of their own.

    annotators: `right` [annotator], expected share of right labels under the posterior with the prior's counts added.
    Raises DataError for scales of more than two levels.
    """
    if incidence.levels != 2:
        raise DataError(f"vi_bp needs labels on two levels; got {incidence.levels}; use vi_mf or dawid_skene")
    item, annotator, label = (
        np.repeat(code, incidence.count.astype(int)) for code in (incidence.item, incidence.annotator, incidence.label)
    )
    sign = 2.0 * label - 1
    order = np.argsort(annotator, kind="stable")
    people = np.split(order, np.cumsum(np.bincount(annotator, minlength=incidence.annotators))[:-1])
    message, outgoing = np.zeros(len(sign)), np.zeros(len(sign))  # log-odds of the higher level, [annotation]
    converged = False
    for _ in range(max(iterations, 1)):
        before, message = message, np.empty(len(sign))
        right = expit(sign * outgoing)
        for own in people:
            message[own] = sign[own] * _evidence(right[own])
        total = np.bincount(item, message, incidence.items)
        outgoing = total[item] - message
        converged = bool(np.abs(message - before).max() <= tolerance)
        if converged:
            break
    posterior = np.column_stack([expit(-total), expit(total)])
    hits = incidence.hits(posterior).sum(1) + PRIOR[0]
    return Aggregate(
        known(incidence, posterior), {"right": hits / (incidence.given.sum(1) + sum(PRIOR))}, converged=converged
    )


def _evidence(right: np.ndarray) -> np.ndarray:
    """Log-odds that each label is right, from the chances that the annotator's other labels are, [annotation].

    With q, the probability that this annotator is right, given, the labels are independent.
    """
    each = np.log(right[:, None] * RATES + (1 - right[:, None]) * (1 - RATES))  # [annotation, node]
    others = each.sum(0) - each + LOG_WEIGHTS
    weight = np.exp(others - others.max(1, keepdims=True))
    return np.log(weight @ RATES) - np.log(weight @ (1 - RATES))
