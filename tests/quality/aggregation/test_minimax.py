"""Minimax entropy against plain loops, numerical differentiation, the constraints of its primal, and its own model."""

import numpy as np
import pytest
from crowds import Crowd, accuracy, crowd
from scipy.optimize import check_grad
from scipy.special import softmax

from perspectives.errors import ConfigError, DataWarning
from perspectives.quality.aggregation.incidence import Incidence
from perspectives.quality.aggregation.minimax import _Model, minimax


def parameters_of(people: Crowd, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    items, annotators, levels = people.shape
    return rng.normal(size=(annotators, levels, levels)), rng.normal(size=(items, levels, levels))


def packed(model: _Model, annotators: np.ndarray, items: np.ndarray) -> np.ndarray:
    parts = zip((annotators, items), model.scales, strict=True)
    return np.concatenate([part.transpose(1, 2, 0).ravel() / scale for part, scale in parts])


def joint(people: Crowd, annotators: np.ndarray, items: np.ndarray) -> np.ndarray:
    """Likelihood of each item's annotations with each true level, in plain loops."""
    chances = np.full((people.shape[0], people.shape[2]), 1 / people.shape[2])
    for i, a, label in zip(*people[:3], strict=True):
        chances[i] *= softmax(annotators[a] + items[i], axis=1)[:, label]
    return chances


@pytest.mark.parametrize("seed", range(3))
def test_likelihood_and_penalty_equal_plain_loops(seed):
    people = crowd(seed)
    model = _Model(people.incidence(), 0.25)
    annotators, items = parameters_of(people, seed)
    chances = joint(people, annotators, items)
    alpha = 0.25 * 9  # the paper's rule: γ levels², and times annotations per annotator over annotations per item
    beta = alpha * (len(people.item) / 9) / (len(people.item) / 40)
    penalty = 0.5 * (alpha * (annotators**2).sum() + beta * (items**2).sum())
    x = packed(model, annotators, items)
    assert model.loss(x)[0] == pytest.approx(penalty - np.log(chances.sum(1)).sum())
    posterior = np.random.default_rng(seed).dirichlet(np.ones(3), 40)
    expected = (posterior * np.log(3 * chances)).sum()
    assert model.loss(x, posterior)[0] == pytest.approx(penalty - expected)


@pytest.mark.parametrize("known", [False, True])
def test_the_gradient_is_that_of_the_loss(known):
    people = crowd(1, items=12, people=5)
    model = _Model(people.incidence(), 0.25)
    posterior = people.incidence().shares if known else None
    x = packed(model, *parameters_of(people, 1))
    slope = model.loss(x, posterior)[1]
    difference = check_grad(lambda x: model.loss(x, posterior)[0], lambda x: model.loss(x, posterior)[1], x)
    assert difference < 1e-5 * np.linalg.norm(slope)


def test_counts_of_annotators_are_those_observed_up_to_the_penalty():
    people = crowd(2, items=80)
    incidence = people.incidence()
    found = minimax(incidence, 2000, 1e-13)
    assert found.converged
    # Stationary: observed minus expected counts are the penalty times the parameter; so are their sums over items.
    model = _Model(incidence, 0.25)
    annotators = found.annotators["log_odds"]
    np.testing.assert_allclose(annotators.sum(2), 0, atol=1e-4)
    observed = incidence.confusions(found.posterior)
    expected = np.zeros_like(observed)
    items = items_of(people, annotators, found.posterior, model)
    for i, a, _ in zip(*people[:3], strict=True):
        expected[a] += found.posterior[i][:, None] * softmax(annotators[a] + items[i], axis=1)
    np.testing.assert_allclose(observed - expected, 2.25 * annotators, atol=0.02)


def items_of(people: Crowd, annotators: np.ndarray, posterior: np.ndarray, model: _Model) -> np.ndarray:
    """Items' parameters by their own condition of being stationary, a fixed point that the heavy penalty contracts."""
    items = np.zeros((people.shape[0], people.shape[2], people.shape[2]))
    for _ in range(50):
        excess = np.zeros_like(items)
        for i, a, label in zip(*people[:3], strict=True):
            chances = softmax(annotators[a] + items[i], axis=1)
            excess[i] += posterior[i][:, None] * (np.eye(len(chances))[label] - chances)
        items = excess * model.scales[1] ** 2
    return items


def test_annotators_of_its_own_model_are_recovered():
    rng = np.random.default_rng(0)
    items, people, levels = 400, 20, 3
    truth = rng.integers(levels, size=items)
    odds = rng.normal(0, 0.7, (people, levels, levels)) + 1.2 * np.eye(levels)
    odds[:6] = rng.normal(0, 1, (6, 1, levels))  # who answer alike whatever is true
    item, annotator = np.nonzero(rng.random((items, people)) < 0.4)
    difficulty = rng.normal(0, 0.5, (items, levels, levels))
    chances = softmax(odds[annotator, truth[item]] + difficulty[item, truth[item]], axis=1)
    label = (rng.random((len(item), 1)) > chances.cumsum(1)).sum(1)
    incidence = Incidence.build(item, annotator, label, (items, people, levels))
    found = minimax(incidence)
    assert found.converged
    assert accuracy(found.posterior, truth) > accuracy(incidence.shares, truth) + 0.05
    given = softmax(found.annotators["log_odds"], axis=2)
    np.testing.assert_allclose(given, softmax(odds, axis=2), atol=0.3)
    assert np.corrcoef(given.ravel(), softmax(odds, axis=2).ravel())[0, 1] > 0.9


def test_without_a_penalty_it_refuses():
    with pytest.raises(ConfigError, match="penalty=0 must be above 0, or nothing keeps the parameters finite"):
        minimax(crowd().incidence(), penalty=0)


def test_an_answer_that_is_none_is_announced():
    """Ten levels, and four annotations per person."""
    people = crowd(0, items=20, people=10, levels=10, share=0.2)
    with pytest.warns(
        DataWarning, match=r"minimax entropy tells nothing: with penalty=0\.25 .*, about 1 in 10; give a"
    ):
        posterior = minimax(people.incidence()).posterior
    assert np.abs(posterior - 0.1).max() < 0.001
    told = minimax(people.incidence(), penalty=0.005).posterior
    assert told.max() > 0.3
