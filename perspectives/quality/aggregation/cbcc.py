"""Community BCC: annotators belong to communities, whose confusion matrices theirs resemble.

Paper: Venanzi et al. 2014, Community-Based Bayesian Aggregation Models for Crowdsourcing (WWW). Rows of confusion
matrices are softmaxes of scores; an annotator's scores are normal around those of their community. Variational Bayes
in mean field; the expected logarithm of a softmax is bounded as in Blei and Lafferty 2006, Correlated Topic Models
(NIPS), like in the authors' program.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import digamma, logsumexp, polygamma, softmax, xlogy

from perspectives.errors import ConfigError
from perspectives.quality.aggregation.dawid_skene import diagonal_matrix
from perspectives.quality.aggregation.incidence import Incidence
from perspectives.quality.aggregation.result import Aggregate, Step, aggregate, climb, dirichlet_divergence, normalised
from perspectives.quality.aggregation.starts import annotator_draws

RIGHT = 0.7  # share of right answers that is expected of a community
PRECISION = 5.0  # of annotators' scores around those of their community
PSEUDO = 10.0  # of the Dirichlet on the sizes of communities
INNER, HALVINGS = 3, 20  # Newton steps for annotators' scores in every iteration, and how often a step is halved


class Normal(NamedTuple):
    """Independent scores, [annotator or community, level (true), level (given)]."""

    mean: np.ndarray
    variance: np.ndarray

    def log_probabilities(self) -> np.ndarray:
        """Bound from below of the expected logarithms of the softmax of scores."""
        return self.mean - logsumexp(self.mean + self.variance / 2, axis=2, keepdims=True)


class State(NamedTuple):
    """frequency, size: Dirichlet parameters of levels and of communities. people, groups: scores of annotators and of
    communities. member: [annotator, community], rows sum to 1."""

    frequency: np.ndarray
    people: Normal
    groups: Normal
    member: np.ndarray
    size: np.ndarray


def cbcc(
    incidence: Incidence, communities: int = 4, iterations: int = 100, tolerance: float = 1e-7, seed: int = 0
) -> Aggregate:
    """All priors are those of the authors' program, that of a community's scores having the moments of logarithms of
    gamma variables, which makes its confusion matrix nearly as likely as under the prior of `bcc`.

    communities: at least 1, ConfigError otherwise; 4 as in Zheng et al. 2017. At first everybody is in one at random
        (from `seed`).

    annotators: `confusion` [annotator, level (true), level (given)], the softmax of expected scores, rows sum to 1;
    `community` [annotator], the number of the most probable one.
    """
    if communities < 1:
        raise ConfigError(f"communities={communities}; give at least 1")
    model = _Model(incidence)
    climbed = climb(model.step, model.start(communities, seed), iterations, tolerance)
    state: State = climbed.last.parameters
    annotators = {"confusion": softmax(state.people.mean, axis=2), "community": state.member.argmax(1)}
    return aggregate(incidence, climbed, annotators, seed)


class _Model:
    def __init__(self, incidence: Incidence):
        self.incidence = incidence
        self.active = (incidence.given.sum(1) > 0)[:, None]
        parameters = diagonal_matrix(incidence.levels, RIGHT / (1 - RIGHT) * (incidence.levels - 1), 1.0)
        self.prior = Normal(digamma(parameters), polygamma(1, parameters))

    def start(self, communities: int, seed: int) -> State:
        draws = annotator_draws(self.incidence, seed, communities)
        member = (draws == draws.max(1, keepdims=True)).astype(float)
        people, groups = (
            Normal(*(np.repeat(x[None], size, axis=0) for x in self.prior)) for size in (len(member), communities)
        )
        state = State(np.ones(self.incidence.levels), people, groups, member, np.full(communities, PSEUDO))
        return self.improved(state, self.incidence.shares)

    def step(self, state: State) -> Step:
        log_levels = digamma(state.frequency) - digamma(state.frequency.sum())
        scores = self.incidence.truth_scores(state.people.log_probabilities()) + log_levels
        posterior, sums = normalised(scores)
        likelihood = float(sums[self.incidence.labelled].sum())
        return Step(posterior, likelihood - self.divergence(state), likelihood, self.improved(state, posterior))

    def improved(self, state: State, posterior: np.ndarray) -> State:
        """Every part of the state given the others, one after the other."""
        posterior = posterior * self.incidence.labelled[:, None]
        counts = self.incidence.confusions(posterior)
        people = _fitted(counts, np.einsum("am,mtl->atl", state.member, state.groups.mean), state.people)
        member = state.member * self.active
        weight = 1 / self.prior.variance + PRECISION * member.sum(0)[:, None, None]
        sums = self.prior.mean / self.prior.variance + PRECISION * np.einsum("am,atl->mtl", member, people.mean)
        communities = Normal(sums / weight, 1 / weight)
        member = softmax(_log_sizes(state.size) - _distances(people, communities), axis=1)
        size = PSEUDO + (member * self.active).sum(0)
        return State(1 + posterior.sum(0), people, communities, member, size)

    def divergence(self, state: State) -> float:
        """Kullback-Leibler divergence of the state from the priors."""
        levels = dirichlet_divergence(state.frequency, np.ones_like(state.frequency))
        sizes = dirichlet_divergence(state.size, np.full_like(state.size, PSEUDO))
        ratio = state.groups.variance / self.prior.variance
        shift = (state.groups.mean - self.prior.mean) ** 2 / self.prior.variance
        communities = 0.5 * (ratio + shift - 1 - np.log(ratio)).sum()
        entropy = 0.5 * (1 + np.log(PRECISION * state.people.variance)).sum((1, 2))[:, None]
        people = state.member * (_distances(state.people, state.groups) - entropy - _log_sizes(state.size))
        people = ((people + xlogy(state.member, state.member)) * self.active).sum()
        return float(levels + sizes + communities + people)


def _log_sizes(size: np.ndarray) -> np.ndarray:
    return digamma(size) - digamma(size.sum())


def _distances(people: Normal, communities: Normal) -> np.ndarray:
    """Expected squared distances of scores, times half the precision, [annotator, community]."""
    own = (people.mean**2 + people.variance).sum((1, 2))
    other = (communities.mean**2 + communities.variance).sum((1, 2))
    both = np.einsum("atl,mtl->am", people.mean, communities.mean)
    return 0.5 * PRECISION * (own[:, None] - 2 * both + other)


def _fitted(counts: np.ndarray, centre: np.ndarray, scores: Normal) -> Normal:
    """Better scores of annotators who gave these counts and are expected at `centre`, by Newton's method on means and
    the fixed point of variances; the problem is concave, and steps are halved until nothing gets worse."""
    total = counts.sum(2, keepdims=True)
    for _ in range(INNER):
        share = softmax(scores.mean + scores.variance / 2, axis=2)
        curvature = PRECISION + total * share
        slope = (counts - total * share - PRECISION * (scores.mean - centre)) / curvature
        # The Hessian is minus (diagonal of `curvature` minus total · share shareᵀ): inverse by Sherman and Morrison.
        left = 1 - (total * share**2 / curvature).sum(2, keepdims=True)
        move = slope + total * share / curvature * (share * slope).sum(2, keepdims=True) / left
        before, length = _value(counts, centre, scores), np.ones_like(total)
        for _ in range(HALVINGS):
            new = Normal(scores.mean + length * move, scores.variance + length * (1 / curvature - scores.variance))
            worse = _value(counts, centre, new) < before
            if not worse.any():
                break
            length = np.where(worse, length / 2, length)
        scores = Normal(*(np.where(worse, old, now) for old, now in zip(scores, new, strict=True)))
    return scores


def _value(counts: np.ndarray, centre: np.ndarray, scores: Normal) -> np.ndarray:
    """What annotators' scores contribute to the bound, [annotator, level (true), 1]."""
    distance = (scores.mean - centre) ** 2 + scores.variance
    value = counts * scores.log_probabilities() + 0.5 * (np.log(scores.variance) - PRECISION * distance)
    return value.sum(2, keepdims=True)
