"""GLAD against numerical differentiation, brute force and crowd-kit."""

import numpy as np
import pandas as pd
import pytest
from crowds import accuracy, crowd
from scipy.optimize import check_grad
from scipy.special import expit

from perspectives.errors import ConfigError
from perspectives.quality.aggregation.glad import _loss, _scores, glad
from perspectives.quality.aggregation.incidence import Incidence
from perspectives.quality.aggregation.result import normalised


def test_the_gradient_is_that_of_the_loss():
    incidence = crowd(0).incidence()
    rng = np.random.default_rng(0)
    right = rng.random(len(incidence.item))
    for _ in range(3):
        parameters = rng.normal(1, 1, incidence.annotators + incidence.items)
        value, slope = (lambda x: _loss(x, incidence, right)[0]), (lambda x: _loss(x, incidence, right)[1])
        assert check_grad(value, slope, parameters) < 1e-4 * np.linalg.norm(slope(parameters))
        distance = parameters - 1
        weak, of_weak = _loss(parameters, incidence, right, 0.25)
        assert weak == pytest.approx(value(parameters) - 0.375 * (distance**2).sum())
        np.testing.assert_allclose(of_weak, slope(parameters) - 0.75 * distance)


def test_the_likelihood_is_that_of_the_model():
    people = crowd(0, levels=4)
    joint = np.full((people.shape[0], 4), 0.25)
    right = expit(np.e)  # at the start abilities are 1 and the logarithms of easiness too
    for i, _, label in zip(*people[:3], strict=True):
        joint[i] *= np.where(np.arange(4) == label, right, (1 - right) / 3)
    found = glad(people.incidence(), iterations=1)
    assert found.log_likelihood[0] == pytest.approx(np.log(joint.sum(1)).sum())
    np.testing.assert_allclose(found.posterior, joint / joint.sum(1, keepdims=True), atol=1e-12)


def test_abilities_follow_the_truth():
    rng = np.random.default_rng(1)
    truth, ease = rng.integers(2, size=500), np.exp(rng.normal(0.5, 0.7, 500))
    ability = np.concatenate([rng.uniform(0.2, 3, 25), [-1.0]])
    item, annotator = np.divmod(np.arange(500 * 26), 26)
    right = rng.random(len(item)) < expit(ability[annotator] * ease[item])
    label = np.where(right, truth[item], 1 - truth[item])
    found = glad(Incidence.build(item, annotator, label, (500, 26, 2)))
    assert np.corrcoef(found.annotators["ability"], ability)[0, 1] > 0.95
    assert found.annotators["ability"][-1] < 0
    assert accuracy(found.posterior, truth) > 0.97


@pytest.mark.filterwarnings("ignore")
def test_crowd_kit_finds_the_same_and_no_better():
    from crowdkit import aggregation

    people = crowd(2, items=60)
    incidence = people.incidence()
    table = pd.DataFrame({"task": people.item, "worker": people.annotator, "label": people.label})
    theirs = aggregation.GLAD(n_iter=100, tol=1e-8, m_step_max_iter=200, m_step_tol=1e-8).fit(table)
    ability, ease = theirs.alphas_.sort_index().to_numpy(), theirs.betas_.sort_index().to_numpy()
    posterior, sums = normalised(_scores(incidence, ability, np.exp(ease)))
    distance = ((ability - 1) ** 2).sum() + ((ease - 1) ** 2).sum()
    mine = glad(incidence, 100, 1e-10, 200)
    assert mine.objective[-1] == pytest.approx((sums - np.log(3)).sum() - distance / 2, abs=0.01)
    assert mine.objective[-1] > (sums - np.log(3)).sum() - distance / 2
    np.testing.assert_allclose(mine.posterior, posterior, atol=0.02)
    np.testing.assert_allclose(mine.annotators["ability"], ability, atol=0.01)


def test_a_negative_precision_is_refused():
    with pytest.raises(ConfigError, match="precision=-1 is that of a normal prior; give a number of at least 0"):
        glad(crowd().incidence(), precision=-1)
