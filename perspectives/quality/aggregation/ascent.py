"""Maximisation of all parameters at once by L-BFGS, with the trace that results of truth inference carry."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.optimize import OptimizeResult, minimize

Loss = Callable[[np.ndarray], tuple[float, np.ndarray]]


class Ascent(NamedTuple):
    """Where the ascent ended; objective (minus the loss) and log-likelihood of every iteration, [iteration]."""

    parameters: np.ndarray
    objective: np.ndarray
    log_likelihood: np.ndarray
    converged: bool


def ascend(
    loss: Loss,
    prior: Callable[[np.ndarray], float],
    start: np.ndarray,
    iterations: int,
    tolerance: float,
) -> Ascent:
    """At most so many steps of L-BFGS, until the objective grows by less than `tolerance`, relative to its size.

    loss: parameters → minus the objective, and its gradient. prior: parameters → what the objective adds to the
    log-likelihood.
    """
    objective, likelihood = [-loss(start)[0]], [-loss(start)[0] - prior(start)]

    def note(intermediate_result: OptimizeResult) -> None:
        objective.append(-float(intermediate_result.fun))
        likelihood.append(objective[-1] - prior(intermediate_result.x))

    options = {"maxiter": max(iterations, 1), "ftol": tolerance, "gtol": 0.0}
    found = minimize(loss, start, method="L-BFGS-B", jac=True, callback=note, options=options)
    return Ascent(found.x, np.array(objective), np.array(likelihood), found.status != 1)  # 1: steps used up
