"""Dawid and Skene's model: every annotator has a confusion matrix, every level a prior probability; fitted by EM.

Papers: Dawid and Skene 1979, Maximum Likelihood Estimation of Observer Error-Rates Using the EM Algorithm; LFC: Raykar
et al. 2010, Learning From Crowds, which puts Dirichlet priors on the rows of the confusion matrices.
"""

import numpy as np
from scipy.special import xlogy

from perspectives.errors import ConfigError
from perspectives.quality.aggregation.incidence import Incidence
from perspectives.quality.aggregation.result import Aggregate, Step, aggregate, climb, normalised


def dawid_skene(
    incidence: Incidence, iterations: int = 100, tolerance: float = 1e-7, diagonal: float | None = None
) -> Aggregate:
    """Maximum likelihood by EM.

    diagonal: None starts from the shares of votes, as the paper does; a number from confusion matrices with this
        diagonal and a uniform prior, as Zheng et al. 2017 do with 0.7 and 20 iterations. Strictly between 0 and 1.

    annotators: `confusion` [annotator, level (true), level (given)], rows sum to 1, uniform where nothing of that true
    level is expected. Raises ConfigError for another diagonal.
    """
    return _fit(incidence, 0.0, 0.0, iterations, tolerance, diagonal)


def lfc(
    incidence: Incidence,
    iterations: int = 100,
    tolerance: float = 1e-7,
    right: float = 1.0,
    wrong: float = 1.0,
    diagonal: float | None = None,
) -> Aggregate:
    """Maximum a posteriori by EM, with pseudo-counts of right and wrong answers per true level and given level.

    right, wrong: at least 0; Dirichlet parameters are one more. diagonal, annotators: as `dawid_skene`.
    Raises ConfigError for negative pseudo-counts.
    """
    if right < 0 or wrong < 0:
        raise ConfigError(f"right={right} and wrong={wrong} are counts; give numbers of at least 0")
    return _fit(incidence, right, wrong, iterations, tolerance, diagonal)


def _fit(
    incidence: Incidence, right: float, wrong: float, iterations: int, tolerance: float, diagonal: float | None
) -> Aggregate:
    pseudo = diagonal_matrix(incidence.levels, right, wrong)
    labelled = incidence.labelled[:, None]

    def parameters_of(posterior: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        posterior = posterior * labelled
        counts = incidence.confusions(posterior) + pseudo
        total = counts.sum(2, keepdims=True)
        confusion = np.divide(counts, total, out=np.full_like(counts, 1 / incidence.levels), where=total > 0)
        return posterior.sum(0) / posterior.sum(), confusion

    def step(parameters: tuple[np.ndarray, np.ndarray]) -> Step:
        with np.errstate(divide="ignore"):
            log_prior, log_confusion = (np.log(x) for x in parameters)
        posterior, sums = normalised(incidence.truth_scores(log_confusion) + log_prior)
        likelihood = float(sums[incidence.labelled].sum())
        prior = float(xlogy(pseudo, parameters[1]).sum())
        return Step(posterior, likelihood + prior, likelihood, parameters_of(posterior))

    if diagonal is None:
        start = parameters_of(incidence.shares)
    else:
        start = _diagonal_start(incidence, diagonal)
    climbed = climb(step, start, iterations, tolerance)
    return aggregate(incidence, climbed, {"confusion": climbed.last.parameters[1]})


def _diagonal_start(incidence: Incidence, diagonal: float) -> tuple[np.ndarray, np.ndarray]:
    levels = incidence.levels
    if not 0 < diagonal < 1:
        raise ConfigError(f"diagonal={diagonal} is the chance of a right answer; give a number between 0 and 1")
    confusion = diagonal_matrix(levels, diagonal, (1 - diagonal) / (levels - 1))
    return np.full(levels, 1 / levels), np.broadcast_to(confusion, (incidence.annotators, levels, levels))


def diagonal_matrix(levels: int, right: float, wrong: float) -> np.ndarray:
    """float64 [level, level] with `right` on the diagonal and `wrong` beside it."""
    return np.where(np.eye(levels, dtype=bool), right, wrong)
