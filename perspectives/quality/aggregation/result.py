"""What truth inference returns, and the loop that methods climb with."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from scipy.special import digamma, gammaln

from perspectives.quality.aggregation.incidence import Incidence
from perspectives.quality.aggregation.majority import majority_vote


@dataclass(frozen=True, eq=False)
class Aggregate:
    """The answer of a method of truth inference.

    posterior: float64 [item, level], rows sum to 1: probabilities of the true level, or, for methods that know none,
        shares of weighted votes; nan for items nobody labelled.
    annotators: what the method learned of each annotator, by name, each [annotator, …]; every method says which.
    objective: float64 [iteration], what the iterations climb (log-likelihood, plus the log prior where there is one,
        or the evidence lower bound): it never falls. Empty for methods that climb nothing.
    log_likelihood: float64 [iteration], of the annotations under the parameters of that iteration (of variational
        methods: under the exponentials of their expected logarithms). Empty where there is no likelihood.
    converged: whether the iterations stopped because nothing changed any more.
    seed: of random starts; 0 where a method has none.
    """

    posterior: np.ndarray
    annotators: dict[str, np.ndarray]
    objective: np.ndarray = field(default_factory=lambda: np.empty(0))
    log_likelihood: np.ndarray = field(default_factory=lambda: np.empty(0))
    converged: bool = True
    seed: int = 0

    def labels(self, tie: str = "random", official: np.ndarray | None = None, seed: int = 0) -> np.ndarray:
        """The most probable level, int64 [item]; -1 for items nobody labelled. Arguments: see `majority_vote`."""
        return majority_vote(self.posterior, tie, official, seed)


class Step(NamedTuple):
    """One iteration: what follows from `parameters`, and the parameters that follow from that. Restarts, where a
    method has them, are the last axis of the posterior, and the values are [restart]."""

    posterior: np.ndarray
    objective: np.ndarray | float
    log_likelihood: np.ndarray | float
    parameters: Any


class Climbed(NamedTuple):
    """The last step, with the objective and log-likelihood of every iteration, [iteration, …]."""

    last: Step
    objective: np.ndarray
    log_likelihood: np.ndarray
    converged: bool


def climb(step: Callable[[Any], Step], parameters: Any, iterations: int, tolerance: float) -> Climbed:
    """Repeat `step` until the objective of every restart grows by less than `tolerance`, relative to its size."""
    objectives: list[np.ndarray] = []
    likelihoods: list[np.ndarray] = []
    converged = False
    for _ in range(max(iterations, 1)):
        last = step(parameters)
        parameters = last.parameters
        objectives.append(np.asarray(last.objective))
        likelihoods.append(np.asarray(last.log_likelihood))
        if len(objectives) > 1:
            gain = objectives[-1] - objectives[-2]
            converged = bool((gain <= tolerance * np.abs(objectives[-1])).all())
            if converged:
                break
    return Climbed(last, np.array(objectives), np.array(likelihoods), converged)


def aggregate(incidence: Incidence, climbed: Climbed, annotators: dict[str, np.ndarray], seed: int = 0) -> Aggregate:
    """The result of a climb without restarts."""
    posterior = known(incidence, climbed.last.posterior)
    return Aggregate(posterior, annotators, climbed.objective, climbed.log_likelihood, climbed.converged, seed)


def known(incidence: Incidence, posterior: np.ndarray) -> np.ndarray:
    """`posterior` [item, level] with nan for items nobody labelled."""
    return np.where(incidence.labelled[:, None], posterior, np.nan)


def normalised(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """exp(scores) made to sum to 1 over axis 1, and the logarithm of the sums, [item, …]; scores may be -inf."""
    highest = scores.max(1, keepdims=True)
    powers = np.exp(scores - highest)
    total = powers.sum(1, keepdims=True)
    return powers / total, (np.log(total) + highest)[:, 0]


def hard(scores: np.ndarray) -> np.ndarray:
    """1 for the highest score of each row, shared by those equal up to a relative 1e-9; float64 [item, level]."""
    best = scores.max(1, keepdims=True)
    tied = scores >= best - 1e-9 * np.abs(best)
    return tied / tied.sum(1, keepdims=True)


def dirichlet_divergence(posterior: np.ndarray, prior: np.ndarray, axis: int = -1) -> np.ndarray:
    """Kullback-Leibler divergence of Dirichlet distributions with these parameters, summed over nothing but `axis`."""
    posterior, prior = np.broadcast_arrays(posterior, prior)
    total = posterior.sum(axis, keepdims=True)
    grown = (posterior - prior) * (digamma(posterior) - digamma(total))
    constants = gammaln(prior).sum(axis) - gammaln(posterior).sum(axis)
    return constants + gammaln(total).squeeze(axis) - gammaln(prior.sum(axis)) + grown.sum(axis)
