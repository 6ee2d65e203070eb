"""Scores of single annotations against scikit-learn, over a grid with absent levels and perfect predictions."""

import itertools
import warnings

import numpy as np
import pytest
from sklearn import metrics as sk

from perspectives.errors import DataError
from perspectives.metrics import individual, majority

KINDS = ("random", "absent level", "never predicted", "perfect", "one pair", "constant prediction")


def pairs(kind: str, size: int) -> tuple[np.ndarray, np.ndarray]:
    labels, predicted = np.random.default_rng(size).integers(0, size, (2, 60))
    match kind:
        case "absent level":
            labels[labels == 1], predicted[predicted == 1] = 0, 0
        case "never predicted":
            predicted[predicted == size - 1] = 0
        case "perfect":
            predicted = labels.copy()
        case "one pair":
            labels, predicted = labels[:1], predicted[:1]
        case "constant prediction":
            predicted[:] = 0
    return labels, predicted


GRID = list(itertools.product(KINDS, (2, 3, 6)))


@pytest.mark.parametrize(("kind", "size"), GRID)
def test_nominal_scores_equal_scikit_learn(kind, size):
    labels, predicted = pairs(kind, size)
    levels = list(range(size))

    def f1(average):
        return sk.f1_score(labels, predicted, labels=levels, average=average, zero_division=0)

    assert float(individual.accuracy(labels, predicted, size)) == pytest.approx(sk.accuracy_score(labels, predicted))
    assert float(individual.macro_f1(labels, predicted, size)) == pytest.approx(f1("macro"))
    for level in levels:
        assert float(individual.f1(labels, predicted, size, level)) == pytest.approx(f1(None)[level])
    assert float(individual.error_rate(labels, predicted)) == pytest.approx(1 - sk.accuracy_score(labels, predicted))


@pytest.mark.parametrize(("kind", "size"), GRID)
def test_majority_scores_equal_scikit_learn(kind, size):
    labels, predicted = pairs(kind, size)
    for level in range(size):
        expected = sk.precision_recall_fscore_support(labels, predicted, labels=[level], average=None, zero_division=0)
        for ours, theirs in zip((majority.precision, majority.recall, majority.f1), expected[:3], strict=True):
            assert float(ours(labels, predicted, size, level)) == pytest.approx(theirs[0])


@pytest.mark.parametrize(("kind", "size"), GRID)
def test_qwk_equals_scikit_learn(kind, size):
    labels, predicted = pairs(kind, size)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn warns where kappa is undefined
        expected = sk.cohen_kappa_score(labels, predicted, labels=list(range(size)), weights="quadratic")
    assert float(individual.qwk(labels, predicted, size)) == pytest.approx(expected, nan_ok=True)


def test_qwk_is_undefined_when_everything_is_one_level():
    estimate = individual.qwk(np.ones(5, int), np.ones(5, int), 3)
    assert np.isnan(estimate.value)
    assert np.isnan(estimate.influence).all()


def test_majority_leaves_dropped_ties_out():
    labels, predicted = np.array([1, -1, 0, 1]), np.array([1, 1, 1, 0])
    assert float(majority.precision(labels, predicted, 2)) == pytest.approx(1 / 2)
    assert float(majority.recall(labels, predicted, 2)) == pytest.approx(1 / 2)
    assert float(majority.accuracy(labels, predicted, 2)) == pytest.approx(1 / 3)


def test_rating_scores_equal_scikit_learn():
    rng = np.random.default_rng(0)
    values, predicted, weight = rng.normal(size=50), rng.normal(size=50), rng.random(50)
    expected = sk.mean_absolute_error(values, predicted, sample_weight=weight)
    assert float(individual.mae(values, predicted, weight)) == pytest.approx(expected)
    assert float(individual.rmse(values, predicted)) == pytest.approx(sk.root_mean_squared_error(values, predicted))
    step = 1e-6
    weights = np.ones(50)
    weights[7] += step
    moved = sk.root_mean_squared_error(values, predicted, sample_weight=weights)
    slope = (moved - sk.root_mean_squared_error(values, predicted)) / step
    assert individual.rmse(values, predicted).influence[7] == pytest.approx(slope, rel=1e-4)


def test_rmse_of_a_perfect_prediction_has_no_influence():
    estimate = individual.rmse(np.arange(4.0), np.arange(4.0))
    assert estimate.value == 0
    assert estimate.influence.tolist() == [0, 0, 0, 0]


def test_normalised_distance_over_pairs_and_over_items():
    values, predicted, item = np.array([5.0, -5, 0]), np.array([0.0, -5, 5]), np.array([0, 0, 1])
    assert float(individual.normalised_distance(values, predicted, 10)) == pytest.approx((0.5 + 0 + 0.5) / 3)
    per_item = 1 / np.bincount(item)[item]
    by_item = individual.normalised_distance(values, predicted, 10, per_item)
    assert float(by_item) == pytest.approx(np.mean([np.mean([0.5, 0]), 0.5]))
    with pytest.raises(DataError, match="normaliser=0 must be above 0"):
        individual.normalised_distance(values, predicted, 0)


def test_ratings_with_nan_are_refused():
    with pytest.raises(DataError, match="values holds 1 nan; leave these units out"):
        individual.mae(np.array([1.0, np.nan]), np.zeros(2))


@pytest.mark.parametrize("seed", range(3))
def test_multilabel_scores_equal_scikit_learn(seed):
    labels, predicted = np.random.default_rng(seed).integers(0, 2, (2, 40, 4))
    labels[:, 2], predicted[:, 2] = 0, 0  # a level nobody uses
    assert float(individual.exact_match_error(labels, predicted)) == pytest.approx(
        1 - sk.accuracy_score(labels, predicted)
    )
    estimate = individual.multilabel_macro_f1(labels, predicted)
    assert float(estimate) == pytest.approx(sk.f1_score(labels, predicted, average="macro", zero_division=0))
    assert float(individual.multilabel_macro_f1(labels, labels)) == pytest.approx(3 / 4)
    weight, step = np.ones(40), 1e-6
    weight[3] += step
    moved = sk.f1_score(labels, predicted, average="macro", zero_division=0, sample_weight=weight)
    assert estimate.influence[3] == pytest.approx((moved - float(estimate)) / step, abs=1e-6)


def test_multilabel_wants_indicators():
    with pytest.raises(DataError, match="values other than 0 and 1"):
        individual.exact_match_error(np.full((2, 3), 2), np.zeros((2, 3)))
    with pytest.raises(DataError, match=r"must both be \[unit, level\]"):
        individual.exact_match_error(np.zeros(3), np.zeros(3))


def test_empty_input_is_nan_everywhere():
    none = np.zeros(0, int)
    estimates = [score(none, none, 3) for score in (individual.accuracy, individual.macro_f1, individual.qwk)]
    estimates += [score(none, none) for score in (individual.mae, individual.rmse, individual.error_rate)]
    estimates += [individual.exact_match_error(np.zeros((0, 3)), np.zeros((0, 3)))]
    estimates += [individual.multilabel_macro_f1(np.zeros((0, 3)), np.zeros((0, 3)))]
    assert len(estimates) == 8
    assert all(np.isnan(float(estimate)) and len(estimate) == 0 for estimate in estimates)
