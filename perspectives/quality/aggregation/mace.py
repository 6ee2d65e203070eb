"""MACE: an annotator either knows the true level or spams, drawing from a distribution of their own.

Paper: Hovy et al. 2013, Learning Whom to Trust with MACE (NAACL): EM with smoothing (section 3.1) and variational Bayes
(section 3.2). All levels are equally likely beforehand. Restarts are columns of the same sparse products.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import digamma

from perspectives.errors import ConfigError
from perspectives.quality.aggregation.incidence import Incidence
from perspectives.quality.aggregation.result import Aggregate, Step, climb, dirichlet_divergence, known, normalised
from perspectives.quality.aggregation.starts import annotator_draws, level_draws

INFERENCES = ("vb", "em")
KNOWS_PRIOR = 0.5  # of Beta(0.5, 0.5) on knowing: annotators are good or bad rather than middling
STRATEGY_PRIOR = 10.0  # of the Dirichlet on what spammers answer
SMOOTHING = 0.01  # pseudo-counts of EM, divided by the number of levels
NOISE = 0.5  # how far random starts are from uniform


class Weights(NamedTuple):
    """What annotations weigh: probabilities (EM) or exponentials of expected logarithms (variational Bayes).

    knows, spams: [annotator, restart]. strategy: [annotator, level, restart]. penalty: log density of the prior (EM) or
    minus the divergence from it (variational Bayes), [restart].
    """

    knows: np.ndarray
    spams: np.ndarray
    strategy: np.ndarray
    penalty: np.ndarray


class Known(NamedTuple):
    """How often annotators are expected to have known, [annotator, restart], and to have spammed with each level,
    [annotator, level, restart]."""

    knew: np.ndarray
    spammed: np.ndarray


def mace(
    incidence: Incidence,
    inference: str = "vb",
    restarts: int = 10,
    iterations: int = 50,
    tolerance: float = 1e-7,
    seed: int = 0,
) -> Aggregate:
    """The restart with the highest objective; the first value of its trace is -inf, a random start being no estimate.

    inference: `vb` (variational Bayes) or `em`. seed: of the random starts.
    annotators: `competence` [annotator], the probability of knowing, and `strategy` [annotator, level], what they
    answer when they spam, rows sum to 1; means of the posterior (variational Bayes) or smoothed estimates (EM).
    Raises ConfigError for another inference or fewer than one restart.
    """
    if inference not in INFERENCES:
        raise ConfigError(f"inference={inference!r} is unknown; choose vb or em")
    if restarts < 1:
        raise ConfigError(f"restarts={restarts}; give at least 1")
    weigh, prior = (_variational, KNOWS_PRIOR) if inference == "vb" else (_smoothed, SMOOTHING / incidence.levels)

    def step(state: tuple[Weights, Known | None]) -> Step:
        posterior, likelihood, counts = _expect(incidence, state[0])
        return Step(posterior, likelihood + state[0].penalty, likelihood, (weigh(counts), counts))

    climbed = climb(step, (_random_start(incidence, seed, restarts), None), iterations, tolerance)
    best = int(climbed.objective[-1].argmax())
    counts = climbed.last.parameters[1]
    knew, spammed = counts.knew[:, best], counts.spammed[:, :, best]
    of_strategy = spammed + (STRATEGY_PRIOR if inference == "vb" else prior)
    annotators = {
        "competence": (knew + prior) / (knew + spammed.sum(1) + 2 * prior),
        "strategy": of_strategy / of_strategy.sum(1, keepdims=True),
    }
    posterior = known(incidence, climbed.last.posterior[:, :, best])
    objective, likelihood = climbed.objective[:, best], climbed.log_likelihood[:, best]
    return Aggregate(posterior, annotators, objective, likelihood, climbed.converged, seed)


def _random_start(incidence: Incidence, seed: int, restarts: int) -> Weights:
    strategy = 1 / incidence.levels + NOISE * level_draws(incidence, seed, restarts)
    knows = annotator_draws(incidence, seed, restarts)
    knows = (0.5 + NOISE * knows) / (1 + NOISE)
    return Weights(knows, 1 - knows, strategy / strategy.sum(1, keepdims=True), np.full(restarts, -np.inf))


def _expect(incidence: Incidence, weights: Weights) -> tuple[np.ndarray, np.ndarray, Known]:
    """Posterior [item, level, restart], log-likelihood [restart] and what follows for annotators."""
    spams = weights.spams[:, None] * weights.strategy  # [annotator, level, restart]
    either = weights.knows[:, None] + spams
    log_spams = np.log(spams)
    gain = np.log(either) - log_spams
    sums = np.zeros((incidence.items, spams.shape[2]))
    scores = np.empty((incidence.items, incidence.levels, spams.shape[2]))
    for level, matrix in enumerate(incidence.by_level):
        scores[:, level] = matrix @ gain[:, level]
        sums += matrix @ log_spams[:, level]
    posterior, logs = normalised(scores)
    likelihood = (logs + sums - np.log(incidence.levels))[incidence.labelled].sum(0)
    knowing = incidence.hits(posterior) * (weights.knows[:, None] / either)
    return posterior, likelihood, Known(knowing.sum(1), np.maximum(incidence.given[:, :, None] - knowing, 0))


def _smoothed(counts: Known) -> Weights:
    levels = counts.spammed.shape[1]
    pseudo = SMOOTHING / levels
    spammed = counts.spammed.sum(1)
    total = counts.knew + spammed + 2 * pseudo
    knows, spams = (counts.knew + pseudo) / total, (spammed + pseudo) / total
    strategy = (counts.spammed + pseudo) / (spammed + levels * pseudo)[:, None]
    density = pseudo * (np.log(knows).sum(0) + np.log(spams).sum(0) + np.log(strategy).sum((0, 1)))
    return Weights(knows, spams, strategy, density)


def _variational(counts: Known) -> Weights:
    spammed = counts.spammed.sum(1)
    both = np.stack([counts.knew, spammed]) + KNOWS_PRIOR
    strategy = counts.spammed + STRATEGY_PRIOR
    knows, spams = np.exp(digamma(both) - digamma(both.sum(0)))
    divergence = dirichlet_divergence(both, np.array(KNOWS_PRIOR), axis=0).sum(0)
    divergence = divergence + dirichlet_divergence(strategy, np.array(STRATEGY_PRIOR), axis=1).sum(0)
    return Weights(knows, spams, np.exp(digamma(strategy) - digamma(strategy.sum(1, keepdims=True))), -divergence)
