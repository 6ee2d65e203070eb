"""MACE against enumeration of what everybody knew, and the figures of the authors' program."""

from itertools import product
from math import lgamma

import numpy as np
import pytest
from crowds import accuracy, crowd, snow

from perspectives.errors import ConfigError
from perspectives.quality.aggregation.incidence import Incidence
from perspectives.quality.aggregation.mace import KNOWS_PRIOR, SMOOTHING, STRATEGY_PRIOR, mace


def likelihood(people, competence, strategy):
    """Log-likelihood and posterior with these parameters, by enumerating truth and knowing of each item."""
    items, _, levels = people.shape
    joint = np.zeros((items, levels))
    for i in range(items):
        own = np.flatnonzero(people.item == i)
        for truth in range(levels):
            for knows in product((False, True), repeat=len(own)):
                chance = 1 / levels
                for row, knew in zip(own, knows, strict=True):
                    a, label = people.annotator[row], people.label[row]
                    chance *= competence[a] * (label == truth) if knew else (1 - competence[a]) * strategy[a, label]
                joint[i, truth] += chance
    return np.log(joint.sum(1)).sum(), joint / joint.sum(1, keepdims=True)


def test_em_ends_where_another_step_changes_nothing():
    people = crowd(0, items=25, people=6)
    found = mace(people.incidence(), "em", iterations=5000, tolerance=0, restarts=3)
    competence, strategy = found.annotators["competence"], found.annotators["strategy"]
    exact, posterior = likelihood(people, competence, strategy)
    np.testing.assert_allclose(found.posterior, posterior, atol=1e-4)
    assert found.log_likelihood[-1] == pytest.approx(exact, abs=1e-4)
    np.testing.assert_allclose(strategy.sum(1), 1)
    pseudo = SMOOTHING / 3

    def objective(competence, strategy):
        priors = np.log(competence).sum() + np.log1p(-competence).sum() + np.log(strategy).sum()
        return likelihood(people, competence, strategy)[0] + pseudo * priors

    best = objective(competence, strategy)
    assert best == pytest.approx(found.objective[-1], abs=1e-4)
    for seed in range(20):  # no step to the side is better
        rng = np.random.default_rng(seed)
        moved = np.clip(competence + 0.01 * rng.standard_normal(6), 1e-4, 1 - 1e-4)
        other = strategy * np.exp(0.01 * rng.standard_normal(strategy.shape))
        assert objective(moved, other / other.sum(1, keepdims=True)) < best


def evidence(people) -> float:
    """Exact log marginal likelihood under the priors of variational Bayes."""
    items, annotators, levels = people.shape
    total = -np.inf
    for truth in product(range(levels), repeat=items):
        right = people.label == np.array(truth)[people.item]
        value = -items * np.log(levels)
        for a in range(annotators):
            own = np.flatnonzero(people.annotator == a)
            chances = -np.inf
            for knows in product((False, True), repeat=len(own)):
                knew = np.array(knows, bool)
                if (knew & ~right[own]).any():
                    continue
                spam = np.bincount(people.label[own][~knew], minlength=levels)
                value_a = dirichlet(np.full(2, KNOWS_PRIOR), np.array([knew.sum(), spam.sum()]))
                chances = np.logaddexp(chances, value_a + dirichlet(np.full(levels, STRATEGY_PRIOR), spam))
            value += chances
        total = np.logaddexp(total, value)
    return total


def dirichlet(prior, counts):
    both = sum(lgamma(x + n) - lgamma(x) for x, n in zip(prior, counts, strict=True))
    return both + lgamma(prior.sum()) - lgamma(prior.sum() + counts.sum())


@pytest.mark.parametrize("seed", range(3))
def test_the_bound_lies_just_below_the_exact_evidence(seed):
    people = crowd(seed, items=6, people=4, levels=2)
    bound = mace(people.incidence(), iterations=1000, tolerance=0).objective[-1]
    exact = evidence(people)
    assert exact - 4 < bound < exact


def test_spammers_are_found_with_what_they_answer():
    rng = np.random.default_rng(0)
    truth = rng.integers(4, size=300)
    item, annotator = np.divmod(np.arange(3000), 10)
    spam = rng.choice(4, 3000, p=[0.7, 0.1, 0.1, 0.1])
    label = np.where(annotator < 6, spam, np.where(rng.random(3000) < 0.9, truth[item], rng.integers(4, size=3000)))
    incidence = Incidence.build(item, annotator, label, (300, 10, 4))
    for inference in ("vb", "em"):
        found = mace(incidence, inference)
        assert (found.annotators["competence"][:6] < 0.1).all()
        assert (found.annotators["competence"][6:] > 0.8).all()
        np.testing.assert_allclose(found.annotators["strategy"][:6, 0], 0.7, atol=0.1)
        assert accuracy(found.posterior, truth) > 0.97 > 0.8 > accuracy(incidence.shares, truth)


def test_restarts_differ_and_the_best_is_kept():
    incidence = crowd(5, items=30, people=8, share=0.4).incidence()
    single = [mace(incidence, "em", restarts=1, seed=seed).objective[-1] for seed in range(8)]
    assert len(np.unique(np.round(single, 4))) > 1
    many = mace(incidence, "em", restarts=30, seed=1)
    assert many.objective[-1] >= max(single) - 1e-2
    assert many.seed == 1


PUBLISHED = {  # accuracy and log-likelihood by variational Bayes and by EM, 10 restarts of 50 iterations
    "rte": (0.92625, -3923.88, 0.92875, -3681.43),
    "temporal": (0.94156, -1379.41, 0.94156, -1259.29),
    "wsd": (0.99435, -308.361, 0.99435, -271.847),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_figures_of_the_authors_program(real_data, name):
    incidence, gold = snow(real_data / "mace" / "test", name)
    for inference, (share, value) in zip(("vb", "em"), np.reshape(PUBLISHED[name], (2, 2)), strict=True):
        found = mace(incidence, inference)
        assert accuracy(found.posterior, gold) == pytest.approx(share, abs=1e-5)
        assert found.log_likelihood[-1] == pytest.approx(value, abs=0.05)


def test_refusals():
    incidence = crowd().incidence()
    with pytest.raises(ConfigError, match="inference='mcmc' is unknown; choose vb or em"):
        mace(incidence, "mcmc")
    with pytest.raises(ConfigError, match="restarts=0; give at least 1"):
        mace(incidence, restarts=0)
