"""Multi against plain loops, numerical differentiation, Bayes' rule on a grid, and its own model."""

import numpy as np
import pytest
from crowds import Crowd, accuracy, crowd
from scipy.optimize import check_grad
from scipy.stats import norm, spearmanr

from perspectives.errors import ConfigError, DataError
from perspectives.quality.aggregation.incidence import Incidence
from perspectives.quality.aggregation.multi import SPREAD, _loss, multi


def density(people: Crowd, points: np.ndarray, vectors: np.ndarray, thresholds: np.ndarray) -> float:
    """Log density of everything, in plain loops."""
    total = norm.logpdf(vectors, 2, 10).sum() + norm.logpdf(thresholds, 0, 10).sum()
    for point in points:
        total += np.log(0.5 * norm.pdf(point, 1, 2).prod() + 0.5 * norm.pdf(point, -1, 2).prod())
    for i, a, label in zip(*people[:3], strict=True):
        chance = norm.cdf(vectors[a] @ points[i] - thresholds[a])
        total += np.log(chance if label else 1 - chance)
    return total


@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_the_loss_is_the_density_of_the_model_up_to_a_constant(dimensions):
    people = crowd(0, items=12, people=5, levels=2)
    incidence, rng = people.incidence(), np.random.default_rng(0)

    def value(x):
        return _loss(x, incidence, dimensions)[0]

    def slope(x):
        return _loss(x, incidence, dimensions)[1]

    gaps = []
    for _ in range(3):
        sizes = ((12, dimensions), (5, dimensions), (5,))
        parts = [rng.normal(size=size) for size in sizes]
        x = np.concatenate([part.ravel() for part in parts])
        gaps.append(value(x) + density(people, *parts))
        assert check_grad(value, slope, x) < 1e-5 * np.linalg.norm(slope(x))
    np.testing.assert_allclose(gaps, gaps[0])


def simulated(seed: int, items: int = 200, people: int = 30) -> tuple[Crowd, np.ndarray]:
    """From the model, with one dimension, and the points beside; a fifth of the annotators have high thresholds."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(2, size=items)
    points = rng.normal(2.0 * truth - 1, 0.8)
    vectors = rng.gamma(1.5, 1.0, people)
    thresholds = np.where(np.arange(people) % 5 == 0, 2.0, 0.0)
    item, annotator = np.nonzero(rng.random((items, people)) < 0.5)
    chance = norm.cdf(points[item] * vectors[annotator] - thresholds[annotator])
    label = (rng.random(len(item)) < chance).astype(int)
    return Crowd(item, annotator, label, (items, people, 2), truth), points


def test_its_own_model_is_recovered():
    ours, shares = [], []
    for seed in range(4):
        people, points = simulated(seed)
        incidence = people.incidence()
        found = multi(incidence)
        ours.append(spearmanr(points, found.posterior[:, 1]).statistic)
        shares.append(spearmanr(points, incidence.shares[:, 1]).statistic)
        high = np.arange(30) % 5 == 0
        assert found.annotators["threshold"][high].mean() > found.annotators["threshold"][~high].mean() + 1
        assert accuracy(found.posterior, people.truth) > 0.8
    gains = np.array(ours) - shares
    assert (gains > 0).all()
    assert gains.mean() > 0.005


def test_schools_of_thought_are_told_apart_in_two_dimensions():
    rng = np.random.default_rng(0)
    points = rng.normal(0, 1.5, (150, 2))
    school = np.arange(16) % 2  # one looks at one feature, the other at the other
    item, annotator = np.divmod(np.arange(150 * 16), 16)
    label = (rng.random(len(item)) < norm.cdf(3 * points[item, school[annotator]])).astype(int)
    found = multi(Incidence.build(item, annotator, label, (150, 16, 2)), dimensions=2)
    vectors = found.annotators["vector"]
    cosine = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)) @ vectors.T / np.linalg.norm(vectors, axis=1)
    alike = school[:, None] == school
    assert cosine[alike].min() > cosine[~alike].max() + 0.2


def test_the_posterior_is_that_of_the_level_given_the_point():
    people, _ = simulated(0)
    found = multi(people.incidence())
    chance = found.posterior[:, 1]
    point = np.log(chance / (1 - chance)) * SPREAD**2 / 2
    ratio = norm.pdf(point, 1, SPREAD) / (norm.pdf(point, 1, SPREAD) + norm.pdf(point, -1, SPREAD))
    np.testing.assert_allclose(chance, ratio)
    # An item's point is the best one, given its annotators.
    vectors, thresholds = found.annotators["vector"][:, 0], found.annotators["threshold"]
    grid = np.linspace(-6, 6, 2401)
    for i in range(0, 200, 40):
        own = people.item == i
        sign = 2 * people.label[own] - 1
        a = people.annotator[own]
        logs = norm.logcdf(sign * (grid[:, None] * vectors[a] - thresholds[a])).sum(1)
        logs += np.log(norm.pdf(grid, 1, SPREAD) + norm.pdf(grid, -1, SPREAD))
        assert grid[logs.argmax()] == pytest.approx(point[i], abs=0.02)


def test_names_of_annotators_do_not_decide_where_they_tell_little():
    """Two items on which people are torn: the density rises slowly to where it is highest."""
    item, annotator = np.repeat([0, 1], 5), np.tile(np.arange(5), 2)
    label = np.array([1, 0, 1, 1, 0, 1, 0, 1, 0, 1])
    renamed = np.array([2, 4, 1, 0, 3])
    found, other = (multi(Incidence.build(item, names, label, (2, 5, 2))) for names in (annotator, renamed[annotator]))
    assert found.converged
    np.testing.assert_allclose(found.posterior, other.posterior, atol=1e-5)
    assert not multi(Incidence.build(item, annotator, label, (2, 5, 2)), iterations=3).converged


def test_people_who_answer_the_other_way_round_get_negative_vectors():
    people, _ = simulated(1)
    label = np.where(people.annotator < 8, 1 - people.label, people.label)
    found = multi(Incidence.build(people.item, people.annotator, label, people.shape))
    assert (found.annotators["vector"][:8, 0] < 0.5).all()
    assert np.median(found.annotators["vector"][:8, 0]) < -0.3
    assert (found.posterior.argmax(1) == people.truth).mean() > 0.85


def test_refusals():
    with pytest.raises(DataError, match="multi needs labels on two levels; got 3; use dawid_skene or cbcc"):
        multi(crowd().incidence())
    with pytest.raises(ConfigError, match="dimensions=0; give at least 1"):
        multi(crowd(levels=2).incidence(), 0)
