"""Soft metrics against scipy and brute force; constants against an optimiser; the ceiling against all panels."""

import itertools

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import minimize
from scipy.spatial import distance

from perspectives.errors import ConfigError, DataError
from perspectives.metrics import soft

VALUES = {2: np.array([0.0, 1.0]), 4: np.array([-5.0, 0.0, 1.0, 5.0])}
METRICS = {
    "cross_entropy": soft.cross_entropy,
    "kl": soft.kl,
    "jsd": soft.jsd,
    "manhattan": soft.manhattan,
    "total_variation": soft.total_variation,
    "brier": soft.brier,
    "soft_macro_f1": soft.soft_macro_f1,
}


def rows(levels: int, items: int = 30, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Panels of five as targets, with zeros, and smooth predictions."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(5, np.full(levels, 1 / levels), items) / 5, rng.dirichlet(np.ones(levels), items)


def per_item(function, target, predicted):
    return np.mean([function(t, p) for t, p in zip(target, predicted, strict=True)])


@pytest.mark.parametrize("levels", [2, 4])
def test_values_equal_scipy(levels):
    target, predicted = rows(levels)
    values = VALUES[levels]
    expected = {
        "kl": per_item(stats.entropy, target, predicted),
        "cross_entropy": per_item(lambda t, p: stats.entropy(t) + stats.entropy(t, p), target, predicted),
        "jsd": per_item(lambda t, p: distance.jensenshannon(t, p, base=2) ** 2, target, predicted),
        "manhattan": per_item(distance.cityblock, target, predicted),
        "total_variation": per_item(distance.cityblock, target, predicted) / 2,
        "brier": per_item(distance.sqeuclidean, target, predicted),
        "soft_macro_f1": 1 - np.mean(1 - 2 * np.minimum(target, predicted).sum(0) / (target + predicted).sum(0)),
    }
    assert expected.keys() == METRICS.keys()
    for name, metric in METRICS.items():
        assert float(metric(target, predicted)) == pytest.approx(expected[name]), name
    earth = per_item(lambda t, p: stats.wasserstein_distance(values, values, t, p), target, predicted)
    assert float(soft.wasserstein1(target, predicted, values)) == pytest.approx(earth)
    assert float(soft.entropy_bound(target)) == pytest.approx(per_item(lambda t, _: stats.entropy(t), target, target))


def test_wasserstein_does_not_care_about_the_order_of_levels():
    target, predicted = rows(4)
    order = [2, 0, 3, 1]
    shuffled = soft.wasserstein1(target[:, order], predicted[:, order], VALUES[4][order])
    assert float(shuffled) == pytest.approx(float(soft.wasserstein1(target, predicted, VALUES[4])))


@pytest.mark.parametrize("name", METRICS)
def test_influence_is_the_change_per_weight(name):
    """Repeating an item is giving it weight two: a large copy number makes one more copy a derivative."""
    target, predicted = rows(4, items=8)
    metric = METRICS[name]
    copies = 2000
    base = metric(np.repeat(target, copies, 0), np.repeat(predicted, copies, 0))
    estimate = metric(target, predicted)
    assert base.value == pytest.approx(estimate.value)
    for i in range(8):
        more = metric(
            np.vstack([np.repeat(target, copies, 0), target[[i]]]),
            np.vstack([np.repeat(predicted, copies, 0), predicted[[i]]]),
        )
        assert (more.value - base.value) * copies == pytest.approx(estimate.influence[i], abs=2e-4)


@pytest.mark.parametrize("name", METRICS)
def test_perfect_and_empty(name):
    target, _ = rows(4)
    best = {"cross_entropy": float(soft.entropy_bound(target)), "soft_macro_f1": 1}.get(name, 0)
    assert float(METRICS[name](target, target)) == pytest.approx(best, abs=1e-12)
    empty = METRICS[name](target[:0], target[:0])
    assert np.isnan(empty.value)
    assert len(empty) == 0


def test_soft_macro_f1_counts_an_unused_level_as_zero():
    target = np.array([[1.0, 0, 0], [0, 1, 0]])
    assert float(soft.soft_macro_f1(target, target)) == pytest.approx(2 / 3)


def test_clipping_bounds_cross_entropy():
    target, predicted = np.array([[0.0, 1.0]]), np.array([[1.0, 0.0]])
    assert float(soft.cross_entropy(target, predicted)) == pytest.approx(-np.log(1e-12))
    assert float(soft.cross_entropy(target, predicted, eps=1e-3)) == pytest.approx(-np.log(1e-3))


@pytest.mark.parametrize(
    ("target", "predicted", "message"),
    [
        ([[0.5, 0.5]], [[0.5, 0.6]], r"predicted: 1 row\(s\) are not distributions, for example row 0: \[0.5 0.6\]"),
        ([[0.5, 0.5], [np.nan, np.nan]], [[0.5, 0.5]] * 2, "target: 1 row.* for example row 1"),
        ([[1.2, -0.2]], [[0.5, 0.5]], "without negative numbers or nan"),
        ([[0.5, 0.5]], [[0.2, 0.3, 0.5]], r"target \(1, 2\) and predicted \(1, 3\) must both be \[item, level\]"),
    ],
)
def test_rows_that_are_no_distributions_are_refused(target, predicted, message):
    with pytest.raises(DataError, match=message):
        soft.manhattan(np.array(target), np.array(predicted))


@pytest.mark.parametrize("items", [1, 2, 7, 20])
def test_median_soft_label_of_two_levels_is_the_median(items):
    target, _ = rows(2, items=items)
    np.testing.assert_allclose(soft.median_soft_label(target), np.median(target, axis=0))


@pytest.mark.parametrize("seed", range(4))
def test_best_constants_beat_every_other_distribution(seed):
    rng = np.random.default_rng(seed)
    target = rng.dirichlet([3, 1, 0.5, 0.3], 40)
    target[:15] = rng.multinomial(5, [0.4, 0.3, 0.2, 0.1], 15) / 5

    def constant(metric, row):
        return float(metric(target, np.tile(row, (40, 1))))

    for metric, row in ((soft.manhattan, soft.median_soft_label(target)), (soft.cross_entropy, target.mean(0))):
        assert row.sum() == pytest.approx(1)
        assert (row >= 0).all()
        others = rng.dirichlet(np.ones(4), 200)
        near = 0.98 * row + 0.02 * others
        assert all(constant(metric, row) <= constant(metric, other) + 1e-12 for other in np.vstack([others, near]))
    medians = np.median(target, axis=0)
    assert constant(soft.manhattan, soft.median_soft_label(target)) <= constant(soft.manhattan, medians / medians.sum())
    found = minimize(
        lambda z: constant(soft.cross_entropy, np.exp(z) / np.exp(z).sum()), np.zeros(4), options={"gtol": 1e-8}
    )
    assert found.fun == pytest.approx(constant(soft.cross_entropy, target.mean(0)), abs=1e-6)


def test_median_of_nothing_is_refused():
    with pytest.raises(DataError, match="median of no soft labels is undefined"):
        soft.median_soft_label(np.zeros((0, 3)))


@pytest.mark.parametrize("metric", [*sorted(METRICS.keys() - {"soft_macro_f1"}), "wasserstein1"])
@pytest.mark.parametrize(("levels", "raters"), [(2, 5), (3, 4), (3, 1)])
def test_ceiling_equals_the_enumeration_of_all_panels(metric, levels, raters):
    rate = np.random.default_rng(3).dirichlet(np.ones(levels), 2)
    rate[0] = np.eye(levels)[0]
    values = np.array([1.0, 2.0, 5.0])[:levels]
    score = METRICS.get(metric, lambda t, p: soft.wasserstein1(t, p, values))
    expected, panels = 0.0, 0
    for row in rate:
        for panel in itertools.product(range(levels), repeat=raters):
            share = np.bincount(panel, minlength=levels) / raters
            expected += np.prod(row[list(panel)]) * float(score(share[None], row[None])) / len(rate)
            panels += 1
    assert panels == 2 * levels**raters
    ceiling = soft.finite_panel_ceiling(rate, raters, metric, values)
    assert float(ceiling) == pytest.approx(expected, abs=1e-12)


def test_ceiling_takes_a_panel_size_per_item():
    rate = np.tile([0.3, 0.7], (2, 1))
    both = soft.finite_panel_ceiling(rate, np.array([1, 9]), "manhattan")
    each = [float(soft.finite_panel_ceiling(rate[:1], n, "manhattan")) for n in (1, 9)]
    assert each[0] > each[1] > 0
    assert float(both) == pytest.approx(np.mean(each))


def test_ceiling_says_what_it_accepts():
    rate = np.array([[0.5, 0.5]])
    with pytest.raises(ConfigError, match=r"metric='accuracy' has no ceiling; choose one of .*manhattan.*wasserstein1"):
        soft.finite_panel_ceiling(rate, 5, "accuracy")
    with pytest.raises(ConfigError, match="wasserstein1 needs the numeric value of each level"):
        soft.finite_panel_ceiling(rate, 5, "wasserstein1")
    with pytest.raises(DataError, match="raters holds 0; expected at least 1 per item"):
        soft.finite_panel_ceiling(rate, 0, "brier")
