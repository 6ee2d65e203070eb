"""Community BCC: its bound against sampling, its parts against numerical maximisation, and its own model."""

import numpy as np
import pytest
from crowds import Crowd, accuracy, crowd
from scipy.optimize import minimize
from scipy.special import softmax
from scipy.stats import dirichlet, norm

from perspectives.errors import ConfigError
from perspectives.quality.aggregation.bayesian import bcc
from perspectives.quality.aggregation.cbcc import PRECISION, PSEUDO, Normal, State, _fitted, _Model, _value, cbcc
from perspectives.quality.aggregation.incidence import Incidence


def society(seed: int = 0, items: int = 200, share: float = 0.15) -> tuple[Crowd, np.ndarray, np.ndarray]:
    """Careful people, people who confuse levels 1 and 2, and people who nearly always answer 0; communities and
    confusions beside."""
    rng = np.random.default_rng(seed)
    centre = np.log(
        [np.eye(3) * 0.85 + 0.05, [[0.9, 0.05, 0.05], [0.05, 0.3, 0.65], [0.05, 0.65, 0.3]], [[0.8, 0.1, 0.1]] * 3]
    )
    community = np.repeat([0, 1, 2], [30, 15, 15])
    confusion = softmax(rng.normal(centre[community], PRECISION**-0.5), axis=2)
    truth = rng.integers(3, size=items)
    item, annotator = np.nonzero(rng.random((items, 60)) < share)
    chances = confusion[annotator, truth[item]]
    label = (rng.random((len(item), 1)) > chances.cumsum(1)).sum(1)
    return Crowd(item, annotator, label, (items, 60, 3), truth), community, confusion


def sampled_bound(people: Crowd, state: State, posterior: np.ndarray, draws: int = 20_000) -> tuple[float, float]:
    """Mean and standard error of log p - log q over draws from q, with softmaxes replaced by their linear bound."""
    rng = np.random.default_rng(0)
    prior = _Model(people.incidence()).prior
    frequency, size = (dirichlet(x).rvs(draws, rng) for x in (state.frequency, state.size))
    groups, scores = (rng.normal(x.mean, x.variance**0.5, (draws, *x.mean.shape)) for x in (state.groups, state.people))
    member, truth = (choices(x, draws, rng) for x in (state.member, posterior))
    row = np.arange(draws)[:, None]
    total = dirichlet(np.ones_like(state.frequency)).logpdf(frequency.T) - dirichlet(state.frequency).logpdf(
        frequency.T
    )
    total += dirichlet(np.full_like(state.size, PSEUDO)).logpdf(size.T) - dirichlet(state.size).logpdf(size.T)
    total += (norm.logpdf(groups, prior.mean, prior.variance**0.5)).sum((1, 2, 3))
    total -= norm.logpdf(groups, state.groups.mean, state.groups.variance**0.5).sum((1, 2, 3))
    total += norm.logpdf(scores, groups[row, member], PRECISION**-0.5).sum((1, 2, 3))
    total -= norm.logpdf(scores, state.people.mean, state.people.variance**0.5).sum((1, 2, 3))
    total += (np.log(size[row, member]) - np.log(state.member[np.arange(len(state.member)), member])).sum(1)
    total += (np.log(frequency[row, truth]) - np.log(posterior[np.arange(len(posterior)), truth])).sum(1)
    normaliser = np.exp(state.people.mean + state.people.variance / 2).sum(2)
    for i, a, label in zip(*people[:3], strict=True):
        own = scores[np.arange(draws), a, truth[:, i]]
        expected = normaliser[a, truth[:, i]]
        total += own[:, label] - np.log(expected) - np.exp(own).sum(1) / expected + 1
    return float(total.mean()), float(total.std() / draws**0.5)


def choices(chances: np.ndarray, draws: int, rng: np.random.Generator) -> np.ndarray:
    """int [draw, row] from the rows of `chances`."""
    return (rng.random((draws, len(chances), 1)) > chances.cumsum(1)).sum(2)


@pytest.mark.parametrize("rounds", [0, 3, 30])
def test_the_objective_is_the_expected_bound(rounds):
    people = crowd(rounds, items=5, people=4, levels=3)
    model = _Model(people.incidence())
    state = model.start(2, 0)
    for _ in range(rounds):
        state = model.step(state).parameters
    step = model.step(state)
    mean, error = sampled_bound(people, state, step.posterior)
    assert error < 0.1
    assert step.objective == pytest.approx(mean, abs=4 * error)


def test_scores_are_those_of_numerical_maximisation():
    rng = np.random.default_rng(0)
    counts = rng.gamma(0.5, [[[1.0]], [[30.0]], [[1000.0]]], (3, 1, 3))
    centre = rng.normal(0, 2, counts.shape)
    scores = Normal(np.zeros(counts.shape), np.full(counts.shape, 3.0))
    values = [_value(counts, centre, scores)]
    for _ in range(15):
        scores = _fitted(counts, centre, scores)
        values.append(_value(counts, centre, scores))
        assert (values[-1] >= values[-2] - 1e-9 * np.abs(values[-2])).all()

    def loss(x):
        mean, log_variance = np.reshape(x, (2, *counts.shape))
        return -_value(counts, centre, Normal(mean, np.exp(log_variance))).sum()

    best = minimize(loss, np.zeros(2 * counts.size), method="BFGS", options={"gtol": 1e-6, "maxiter": 2000})
    assert values[-1].sum() == pytest.approx(-best.fun, abs=1e-4)
    np.testing.assert_allclose(scores.mean.ravel(), best.x[: counts.size], atol=0.02)


def test_the_prior_of_communities_has_the_moments_of_the_dirichlet_prior_of_bcc():
    prior = _Model(crowd().incidence()).prior  # three levels: Dirichlet parameters 14/3 and 1
    rng = np.random.default_rng(0)
    gammas = np.log(rng.gamma([14 / 3, 1, 1], size=(200_000, 3)))
    np.testing.assert_allclose(prior.mean[0], gammas.mean(0), atol=0.01)
    np.testing.assert_allclose(prior.variance[0], gammas.var(0), rtol=0.02)
    drawn = softmax(norm.rvs(prior.mean[0], prior.variance[0] ** 0.5, (200_000, 3), random_state=0), axis=1)
    np.testing.assert_allclose(drawn.mean(0), [0.7, 0.15, 0.15], atol=0.02)


def test_communities_are_found_and_help_people_with_few_annotations():
    gains, errors = [], []
    for seed in range(3):
        people, community, confusion = society(seed)
        incidence = people.incidence()
        found, alone = cbcc(incidence, iterations=300), bcc(incidence)
        assert accuracy(found.posterior, people.truth) > accuracy(incidence.shares, people.truth) + 0.05
        gains.append(accuracy(found.posterior, people.truth) - accuracy(alone.posterior, people.truth))
        errors.append([np.abs(x.annotators["confusion"] - confusion).mean() for x in (found, alone)])
        together = found.annotators["community"]
        common = [np.bincount(together[community == kind]).max() for kind in range(3)]
        assert sum(common) > 50  # of 60 are in the commonest of their kind
    assert np.mean(gains) > 0
    assert np.mean(errors, axis=0)[0] < 0.8 * np.mean(errors, axis=0)[1]


def test_idle_annotators_and_one_community_are_fine():
    people, _, _ = society()
    incidence = people.incidence()
    items, annotators, levels = people.shape
    wider = Incidence.build(*people[:3], (items, annotators + 40, levels))
    found, other = cbcc(incidence, 1), cbcc(wider, 1)
    np.testing.assert_allclose(other.posterior, found.posterior, atol=1e-6)
    assert other.objective[-1] == pytest.approx(found.objective[-1])
    assert (found.annotators["community"] == 0).all()


def test_no_communities_are_refused():
    with pytest.raises(ConfigError, match="communities=0; give at least 1"):
        cbcc(crowd().incidence(), 0)
