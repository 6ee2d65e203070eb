"""Bayesian versions of Dawid and Skene's model by variational Bayes: distributions over confusion matrices instead of
one estimate.

Papers: BCC: Kim and Ghahramani 2012, Bayesian Classifier Combination (AISTATS); variational inference as in Simpson et
al. 2013, Dynamic Bayesian Combination of Multiple Imperfect Classifiers. VI-MF: Liu, Peng, Ihler 2012, Variational
Inference for Crowdsourcing (NIPS), mean field, with one Dirichlet prior per row of the confusion matrices, which for
two levels is its two-coin model.
"""

import numpy as np
from scipy.special import digamma

from perspectives.errors import ConfigError
from perspectives.quality.aggregation.dawid_skene import diagonal_matrix
from perspectives.quality.aggregation.incidence import Incidence
from perspectives.quality.aggregation.result import (
    Aggregate,
    Step,
    aggregate,
    climb,
    dirichlet_divergence,
    normalised,
)


def bcc(incidence: Incidence, iterations: int = 100, tolerance: float = 1e-7, right: float = 0.7) -> Aggregate:
    """The prior of a confusion matrix expects `right` on its diagonal (Dirichlet parameters of 1 beside it), the prior
    of the levels is Dirichlet(1); right strictly between 0 and 1, ConfigError otherwise.

    annotators: `confusion` [annotator, level (true), level (given)], posterior means, rows sum to 1.
    """
    if not 0 < right < 1:
        raise ConfigError(f"right={right} is the chance of a right answer; give a number between 0 and 1")
    diagonal = right / (1 - right) * (incidence.levels - 1)
    return _fit(incidence, diagonal, True, iterations, tolerance)


def vi_mf(incidence: Incidence, iterations: int = 100, tolerance: float = 1e-7) -> Aggregate:
    """Dirichlet parameters 2 on the diagonal of confusion matrices and 1 beside it (Beta(2, 1) for two levels, as in
    the paper); all levels are equally likely beforehand. annotators: as `bcc`."""
    return _fit(incidence, 2.0, False, iterations, tolerance)


def _fit(incidence: Incidence, diagonal: float, learn_levels: bool, iterations: int, tolerance: float) -> Aggregate:
    levels, labelled = incidence.levels, incidence.labelled[:, None]
    prior = diagonal_matrix(levels, diagonal, 1.0)

    def parameters_of(posterior: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        posterior = posterior * labelled
        return 1 + posterior.sum(0), prior + incidence.confusions(posterior)

    def step(parameters: tuple[np.ndarray, np.ndarray]) -> Step:
        frequency, confusion = parameters
        log_levels = _expected_log(frequency) if learn_levels else np.full(levels, -np.log(levels))
        posterior, sums = normalised(incidence.truth_scores(_expected_log(confusion)) + log_levels)
        likelihood = float(sums[incidence.labelled].sum())
        divergence = dirichlet_divergence(confusion, prior).sum()
        divergence += dirichlet_divergence(frequency, np.ones(levels)) if learn_levels else 0.0
        return Step(posterior, likelihood - float(divergence), likelihood, parameters_of(posterior))

    climbed = climb(step, parameters_of(incidence.shares), iterations, tolerance)
    confusion = climbed.last.parameters[1]
    return aggregate(incidence, climbed, {"confusion": confusion / confusion.sum(2, keepdims=True)})


def _expected_log(parameters: np.ndarray) -> np.ndarray:
    """Expected logarithms of what is Dirichlet distributed along the last axis."""
    return digamma(parameters) - digamma(parameters.sum(-1, keepdims=True))
