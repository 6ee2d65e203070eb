"""Belief propagation against enumeration: it is exact where the graph of items and annotators has no cycle."""

from itertools import product
from math import lgamma

import numpy as np
import pytest
from crowds import accuracy, crowd

from perspectives.errors import DataError
from perspectives.quality.aggregation.incidence import Incidence
from perspectives.quality.aggregation.vi_bp import _evidence, vi_bp


def exact(incidence: Incidence) -> np.ndarray:
    """P(the higher level) of each item: every truth, weighted by its Beta(2, 1) moments per annotator."""
    weights = np.zeros((incidence.items, 2))
    for truth in product(range(2), repeat=incidence.items):
        value = 1.0
        for a in range(incidence.annotators):
            own = incidence.annotator == a
            right = (incidence.label[own] == np.array(truth)[incidence.item[own]]).sum()
            wrong = own.sum() - right
            value *= np.exp(lgamma(right + 2) + lgamma(wrong + 1) - lgamma(right + wrong + 3))
        weights[np.arange(incidence.items), truth] += value
    return weights / weights.sum(1, keepdims=True)


@pytest.mark.parametrize("seed", range(5))
def test_it_is_exact_on_trees(seed):
    # 0-a-1, 1-b-2, 1-c-3, 1-c-4, 4-d-5, 4-d-6, 6-e
    item = [0, 1, 1, 2, 1, 3, 4, 4, 5, 6, 6]
    annotator = [0, 0, 1, 1, 2, 2, 2, 3, 3, 3, 4]
    label = np.random.default_rng(seed).integers(2, size=len(item))
    incidence = Incidence.build(item, annotator, label, (7, 5, 2))
    found = vi_bp(incidence)
    assert found.converged
    np.testing.assert_allclose(found.posterior, exact(incidence), atol=1e-6)


def test_with_cycles_it_is_close():
    errors = []
    for seed in range(5):
        incidence = crowd(seed, items=9, people=6, levels=2).incidence()
        errors.append(np.abs(vi_bp(incidence).posterior - exact(incidence)).mean())
    assert np.mean(errors) < 0.05


def test_evidence_of_many_labels_is_that_of_counting_right_ones():
    rng = np.random.default_rng(0)
    right = rng.beta(4, 2, 120)
    expected = []
    for j in range(len(right)):
        chances = np.ones(1)  # of each number of right labels among the others
        for chance in np.delete(right, j):
            chances = np.convolve(chances, [1 - chance, chance])
        k = np.arange(len(chances))
        ratio = (k + 2) / (len(k) - 1 - k + 1)  # of the Beta moments with one more right and one more wrong label
        moments = np.array([lgamma(x + 2) + lgamma(len(k) - x + 1) for x in k])
        weight = chances * np.exp(moments - moments.max())
        expected.append(np.log((weight * ratio).sum() / weight.sum()))
    np.testing.assert_allclose(_evidence(right), expected, rtol=1e-6)


def test_an_annotator_with_thousands_of_labels_does_no_harm():
    rng = np.random.default_rng(0)
    truth = rng.integers(2, size=2500)
    item, annotator = np.divmod(np.arange(2500 * 5), 5)
    right = np.array([0.55, 0.7, 0.8, 0.8, 0.9])
    label = np.where(rng.random(len(item)) < right[annotator], truth[item], 1 - truth[item])
    found = vi_bp(Incidence.build(item, annotator, label, (2500, 5, 2)))
    np.testing.assert_allclose(found.annotators["right"], right, atol=0.03)
    assert accuracy(found.posterior, truth) > 0.92


def test_more_levels_are_refused():
    with pytest.raises(DataError, match="vi_bp needs labels on two levels; got 3; use vi_mf or dawid_skene"):
        vi_bp(crowd().incidence())
