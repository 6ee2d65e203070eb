"""Intervals against statsmodels, textbook formulas and a simulation with known truth."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.api import OLS
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.sandwich_covariance import cov_cluster_2groups

from perspectives.errors import DataError
from perspectives.metrics.estimate import Estimate, mean
from perspectives.metrics.individual import macro_f1
from perspectives.metrics.intervals import by_item, holm, two_way


def crossed(rng, items=60, annotators=40, raters=8):
    """Ids of an incomplete crossed design."""
    item = np.repeat(np.arange(items), raters)
    annotator = rng.permuted(np.tile(np.arange(annotators), (items, 1)), axis=1)[:, :raters].ravel()
    return item, annotator


def test_two_way_equals_statsmodels():
    rng = np.random.default_rng(0)
    item, annotator = crossed(rng)
    x = rng.normal(size=60)[item] + rng.normal(size=40)[annotator] + rng.normal(size=len(item))
    interval = two_way(mean(x), item, annotator)
    fit = OLS(x, np.ones(len(x))).fit()
    both, over_items, over_annotators = cov_cluster_2groups(fit, item, annotator)
    # statsmodels multiplies by (n − 1) / (n − parameters), which is 1 here, and by clusters / (clusters − 1)
    assert interval.se == pytest.approx(np.sqrt(both.item()), rel=1e-3)
    assert by_item(mean(x), item).se == pytest.approx(np.sqrt(over_items.item()), rel=1e-6)
    assert interval.clusters == {"item": 60, "annotator": 40}
    assert interval.dof == 39
    assert not interval.annotators_fixed
    half = stats.t.ppf(0.975, 39) * interval.se
    assert (interval.low, interval.high) == pytest.approx((x.mean() - half, x.mean() + half))
    assert interval.se > np.sqrt(over_annotators.item())


def test_few_annotators_are_fixed():
    rng = np.random.default_rng(1)
    item, annotator = crossed(rng, annotators=19)
    x = rng.normal(size=len(item)) + annotator
    interval = two_way(mean(x), item, annotator)
    assert interval.annotators_fixed
    assert interval.se == by_item(mean(x), item).se
    assert interval.dof == 59
    assert interval.clusters == {"item": 60, "annotator": 19}


def test_a_negative_variance_falls_back_to_the_larger_one_way_variance():
    # influences that cancel within every item and every annotator but not within pairs
    item, annotator = np.divmod(np.arange(400), 20)
    sign = np.where((item + annotator) % 2, 1.0, -1.0)
    sign[0] += 0.5
    sign -= sign.mean()
    estimate = Estimate(0.0, sign)
    expected = max(by_item(estimate, item).se, by_item(estimate, annotator).se)
    assert two_way(estimate, item, annotator).se == pytest.approx(expected)
    assert expected > 0


def test_independent_items_give_the_t_interval():
    x = np.random.default_rng(2).normal(size=30)
    interval = by_item(mean(x), level=0.9)
    expected = stats.t.interval(0.9, 29, loc=x.mean(), scale=stats.sem(x))
    assert (interval.low, interval.high) == pytest.approx(expected)


def test_names_of_items_and_annotators_do_not_matter():
    rng = np.random.default_rng(3)
    item, annotator = crossed(rng)
    estimate = mean(rng.normal(size=len(item)))
    named = two_way(estimate, np.array([f"i{i}" for i in item]), np.array([f"a{99 - a}" for a in annotator]))
    assert named.se == pytest.approx(two_way(estimate, item, annotator).se)


def test_paired_difference_is_the_paired_t_test():
    rng = np.random.default_rng(4)
    a, b = rng.normal(0.3, 1, 40), rng.normal(size=40)
    interval = by_item(mean(a) - mean(b))
    expected = stats.ttest_rel(a, b)
    assert interval.p_value == pytest.approx(expected.pvalue)
    assert (interval.low, interval.high) == pytest.approx(tuple(expected.confidence_interval()))
    item, annotator = crossed(rng, items=5, annotators=30)
    two = two_way(mean(a) - mean(b), item, annotator)
    assert two.se == pytest.approx(two_way(mean(a - b), item, annotator).se)
    assert two.clusters == {"item": 5, "annotator": len(np.unique(annotator))}


def test_equal_models_differ_by_nothing():
    a = mean(np.array([0.0, 1, 1, 0]))
    assert by_item(a - a).value == 0
    assert by_item(a - a).p_value == 1


def test_ids_must_match_the_units():
    with pytest.raises(DataError, match=r"annotator \(2,\) must name the annotator of each of the 3 units"):
        two_way(mean(np.ones(3)), np.arange(3), np.arange(2))


@pytest.mark.parametrize("units", [0, 1])
def test_too_few_clusters_have_no_interval(units):
    interval = by_item(mean(np.ones(units)))
    assert np.isnan(interval.se)
    assert np.isnan(interval.low)
    assert np.isnan(interval.p_value)
    assert interval.clusters == {"item": units}


def test_an_undefined_metric_has_no_interval():
    item, annotator = crossed(np.random.default_rng(0))
    interval = two_way(mean(np.zeros(len(item)), np.zeros(len(item))), item, annotator)
    assert np.isnan([interval.value, interval.low, interval.high, interval.se, interval.p_value]).all()


@pytest.mark.parametrize("seed", range(5))
def test_holm_equals_statsmodels(seed):
    p_values = np.random.default_rng(seed).random(8) ** 3
    np.testing.assert_allclose(holm(p_values), multipletests(p_values, method="holm")[1])
    with_gap = np.insert(p_values, 2, np.nan)
    np.testing.assert_allclose(np.delete(holm(with_gap), 2), holm(p_values))
    assert np.isnan(holm(with_gap)[2])


def test_holm_of_nothing():
    assert holm(np.zeros(0)).shape == (0,)


def simulate(rng, item, annotator, items, annotators):
    """Labels and predictions of one draw of items and annotators, whose effects are shared by their pairs."""
    effect = 0.7 * rng.normal(size=items)[item] + 0.7 * rng.normal(size=annotators)[annotator]
    hard = 0.7 * rng.normal(size=items)[item] + 0.7 * rng.normal(size=annotators)[annotator]
    labels = (effect + rng.normal(size=len(item)) > 0.5).astype(int)
    wrong = hard + rng.normal(size=len(item)) > 1
    return labels, np.where(wrong, 1 - labels, labels)


def test_coverage_under_crossed_effects_of_items_and_annotators():
    rng = np.random.default_rng(5)
    items, annotators, draws = 200, 40, 400
    item, annotator = crossed(rng, items, annotators, raters=6)
    metrics = {"mean": lambda labels, _: mean(labels), "macro-F1": lambda *pair: macro_f1(*pair, 2)}
    estimates = {name: [] for name in metrics}
    for _ in range(draws):
        sample = simulate(rng, item, annotator, items, annotators)
        for name, metric in metrics.items():
            estimates[name].append(metric(*sample))
    for name, drawn in estimates.items():
        truth = np.mean([estimate.value for estimate in drawn])
        both = [two_way(estimate, item, annotator) for estimate in drawn]
        only_items = [by_item(estimate, item) for estimate in drawn]
        covered = np.mean([interval.low <= truth <= interval.high for interval in both])
        too_narrow = np.mean([interval.low <= truth <= interval.high for interval in only_items])
        assert 0.92 <= covered <= 0.975, (name, covered)
        assert too_narrow < 0.88, (name, too_narrow)
