"""Influences against finite differences in the units' weights, and the algebra of estimates."""

import numpy as np
import pytest
from scipy import stats

from perspectives.errors import DataError
from perspectives.metrics import confusion
from perspectives.metrics.estimate import Estimate, combine, mean, of_confusion, pearson, ratio, spearman


def derivative(metric, units: int, step: float = 1e-5) -> np.ndarray:
    """Of metric(weight [unit]) with respect to each weight, at weights one."""
    eye = np.eye(units) * step
    return np.array([(metric(1 + row) - metric(1 - row)) / (2 * step) for row in eye])


def weighted_counts(labels, predicted, size, weight):
    counts = np.zeros((size, size))
    np.add.at(counts, (labels, predicted), weight)
    return counts


def weighted_pearson(x, y, weight):
    return np.cov(x, y, aweights=weight, ddof=0)[0, 1] / np.sqrt(
        np.cov(x, aweights=weight, ddof=0) * np.cov(y, aweights=weight, ddof=0)
    )


def weighted_ranks(x, weight):
    """Mid-ranks in a sample where unit j occurs weight[j] times."""
    return ((x < x[:, None]) + (x == x[:, None]) / 2) @ weight


CONFUSION = {
    "accuracy": confusion.accuracy,
    "macro_f1": confusion.macro_f1,
    "f1": lambda counts: confusion.f1(counts)[0],
    "precision": lambda counts: confusion.precision(counts)[0],
    "recall": lambda counts: confusion.recall(counts)[0],
    "qwk": confusion.quadratic_kappa,
}


@pytest.mark.parametrize("size", [2, 3, 5])
@pytest.mark.parametrize("name", CONFUSION)
def test_influence_of_confusion_metrics_is_their_derivative(name, size):
    rng = np.random.default_rng(size)
    labels, predicted = rng.integers(0, size, (2, 40))
    if size > 2:
        labels[labels == 1] = 0  # an absent level
    estimate = of_confusion(CONFUSION[name], labels, predicted, size)
    numeric = derivative(lambda w: CONFUSION[name](weighted_counts(labels, predicted, size, w)), 40)
    np.testing.assert_allclose(estimate.influence, numeric, atol=1e-9)
    assert np.abs(estimate.influence).max() > 1e-3
    assert abs(estimate.influence.sum()) < 1e-12


def test_influence_of_f1_has_the_closed_form_of_a_ratio():
    labels, predicted = np.array([1, 1, 1, 0, 0, 0, 0]), np.array([1, 1, 0, 1, 0, 0, 0])
    hits = (labels == 1) & (predicted == 1)
    closed = ratio(2 * hits, (labels == 1).astype(float) + (predicted == 1))
    estimate = of_confusion(lambda counts: confusion.f1(counts)[1], labels, predicted, 2)
    assert estimate.value == pytest.approx(2 / 3)
    np.testing.assert_allclose(estimate.influence, closed.influence, atol=1e-15)


def test_a_label_of_minus_one_is_left_out():
    labels, predicted = np.array([0, -1, 1, 1]), np.array([0, 0, 1, 0])
    estimate = of_confusion(confusion.accuracy, labels, predicted, 2)
    kept = of_confusion(confusion.accuracy, labels[labels >= 0], predicted[labels >= 0], 2)
    assert estimate.value == kept.value == pytest.approx(2 / 3)
    assert estimate.influence[1] == 0
    np.testing.assert_array_equal(np.delete(estimate.influence, 1), kept.influence)


@pytest.mark.parametrize("metric", CONFUSION)
def test_empty_confusion_is_nan_with_no_influences(metric):
    estimate = of_confusion(CONFUSION[metric], np.zeros(0, int), np.zeros(0, int), 3)
    assert np.isnan(float(estimate))
    assert estimate.influence.shape == (0,)
    assert estimate.influence.dtype == np.float64


@pytest.mark.parametrize(
    ("labels", "predicted", "message"),
    [
        ([0, 3], [0, 1], "labels holds 3; expected a level from -1 to 2"),
        ([0, 1], [0, -1], "predicted holds -1; expected a level from 0 to 2"),
        ([0, 1], [0, 0.5], "predicted holds 0.5"),
        ([0, 1], [0], r"labels \(2,\) and predicted \(1,\) must both be \[unit\]"),
    ],
)
def test_levels_off_the_scale_are_refused(labels, predicted, message):
    with pytest.raises(DataError, match=message):
        of_confusion(confusion.accuracy, np.array(labels), np.array(predicted), 3)


def test_mean_and_weighted_mean():
    rng = np.random.default_rng(0)
    x, weight = rng.normal(size=30), rng.integers(0, 4, 30)
    plain, weighted = mean(x), mean(x, weight)
    assert plain.value == pytest.approx(x.mean())
    np.testing.assert_allclose(plain.influence, (x - x.mean()) / 30)
    assert weighted.value == pytest.approx(np.average(x, weights=weight))
    numeric = derivative(lambda w: np.average(x, weights=weight * w), 30)
    np.testing.assert_allclose(weighted.influence, numeric, atol=1e-9)
    # n · Σ influence² / (n − 1) is the textbook variance of a mean
    assert np.sum(plain.influence**2) * 30 / 29 == pytest.approx(stats.sem(x) ** 2)


def test_mean_of_nothing_is_nan():
    for estimate in (mean(np.zeros(0)), mean(np.ones(3), np.zeros(3))):
        assert np.isnan(estimate.value)
        assert np.isnan(estimate.influence).all()
    assert len(mean(np.zeros(0))) == 0
    assert mean(np.ones(1)).influence.tolist() == [0.0]


def test_mean_refuses_nan():
    with pytest.raises(DataError, match="numerator holds 1 nan; leave these units out"):
        mean(np.array([1, np.nan]))


def test_pearson_value_and_influence():
    rng = np.random.default_rng(1)
    x = rng.normal(size=25)
    y = x + rng.normal(size=25)
    estimate = pearson(x, y)
    assert estimate.value == pytest.approx(stats.pearsonr(x, y)[0])
    numeric = derivative(lambda w: weighted_pearson(x, y, w), 25)
    np.testing.assert_allclose(estimate.influence, numeric, atol=1e-8)


@pytest.mark.parametrize("ties", [False, True])
def test_spearman_value_and_influence_through_the_ranks(ties):
    rng = np.random.default_rng(2)
    x = rng.normal(size=25)
    y = x + rng.normal(size=25)
    if ties:
        x, y = np.round(x), np.round(y)
    estimate = spearman(x, y)
    assert estimate.value == pytest.approx(stats.spearmanr(x, y)[0])
    numeric = derivative(lambda w: weighted_pearson(weighted_ranks(x, w), weighted_ranks(y, w), w), 25)
    np.testing.assert_allclose(estimate.influence, numeric, atol=1e-8)
    ranks_taken_as_fixed = pearson(stats.rankdata(x), stats.rankdata(y)).influence
    assert np.abs(ranks_taken_as_fixed - numeric).max() > 1e-3  # the ranks' own movement matters


@pytest.mark.parametrize("correlation", [pearson, spearman])
@pytest.mark.parametrize("x", [[], [1.0], [0.1, 0.1, 0.1]])
def test_correlation_is_undefined_without_variation(correlation, x):
    estimate = correlation(np.array(x), np.arange(len(x), dtype=float))
    assert np.isnan(estimate.value)
    assert len(estimate) == len(x)


def test_differences_and_combinations_are_linear():
    x, y = np.array([1.0, 2, 4]), np.array([0.0, 1, 5])
    difference = mean(x) - mean(y)
    assert difference.value == pytest.approx(mean(x - y).value)
    np.testing.assert_allclose(difference.influence, mean(x - y).influence)
    np.testing.assert_allclose(combine([mean(x), mean(y)]).influence, mean((x + y) / 2).influence)


def test_estimates_on_other_units_are_refused():
    with pytest.raises(DataError, match=r"estimates on \[2, 3\] units cannot be combined.*`within`"):
        mean(np.ones(2)) - mean(np.ones(3))


def test_folds_are_combined_through_within():
    x = np.arange(6.0)
    fold = np.array([0, 1, 0, 1, 0, 1])
    folds = combine([mean(x[fold == f]).within(fold == f, 6) for f in (0, 1)])
    assert folds.value == pytest.approx(x.mean())  # folds of equal size
    np.testing.assert_allclose(
        folds.influence,
        derivative(lambda w: sum(np.average(x[fold == f], weights=w[fold == f]) for f in (0, 1)) / 2, 6),
    )


def test_then_is_the_chain_rule():
    x = np.array([1.0, 3, 5])
    root = mean(x).then(np.sqrt, lambda value: 0.5 / np.sqrt(value))
    assert isinstance(root, Estimate)
    np.testing.assert_allclose(root.influence, derivative(lambda w: np.sqrt(np.average(x, weights=w)), 3), atol=1e-9)
