"""Calibration to humans against scipy and one item at a time; the rates behind panels against a known population."""

import numpy as np
import pytest
from scipy.stats import dirichlet_multinomial, entropy

from perspectives.errors import DataError
from perspectives.metrics import human_calibration as calibration
from perspectives.metrics import soft

RNG = np.random.default_rng(0)
TARGET, PREDICTED = (RNG.dirichlet(np.ones(4), 60) for _ in range(2))
TARGET[:20] = RNG.multinomial(5, np.ones(4) / 4, 20) / 5  # panels of five, with ties and levels nobody chose


def test_distance_and_entropy_errors_are_those_of_scipy():
    total_variation = np.abs(TARGET - PREDICTED).sum(1) / 2
    difference = entropy(PREDICTED, axis=1) - entropy(TARGET, axis=1)
    for estimate, by_item in (
        (calibration.distribution_error(TARGET, PREDICTED), total_variation),
        (calibration.entropy_error(TARGET, PREDICTED), np.abs(difference)),
        (calibration.entropy_bias(TARGET, PREDICTED), difference),
    ):
        assert estimate.value == pytest.approx(by_item.mean())
        np.testing.assert_allclose(estimate.influence, (by_item - by_item.mean()) / 60, atol=1e-15)
    assert calibration.entropy_bias(TARGET, np.full((60, 4), 0.25)).value > 0  # less sure than people
    assert calibration.entropy_bias(TARGET, np.eye(4)[TARGET.argmax(1)]).value < 0


def test_ranks_are_compared_pair_of_levels_by_pair():
    same = [
        all(p[a] > p[b] for a in range(4) for b in range(4) if t[a] > t[b])
        for t, p in zip(TARGET, PREDICTED, strict=True)
    ]
    assert 0 < sum(same) < 60
    assert calibration.rank_score(TARGET, PREDICTED).value == pytest.approx(np.mean(same))


@pytest.mark.parametrize(
    ("target", "predicted", "agrees"),
    [
        ([0.6, 0.4, 0.0], [0.5, 0.3, 0.2], True),
        ([0.6, 0.4, 0.0], [0.5, 0.2, 0.3], False),
        ([1.0, 0.0, 0.0], [0.5, 0.2, 0.3], True),  # nobody ranked the other two
        ([1.0, 0.0, 0.0], [0.5, 0.5, 0.0], False),  # the prediction ties what people rank
        ([0.4, 0.4, 0.2], [0.3, 0.5, 0.2], True),
        ([1 / 3, 1 / 3, 1 / 3], [0.1, 0.2, 0.7], True),
        ([0.1 + 0.2, 0.3, 0.4], [0.2, 0.3, 0.5], True),  # .30000000000000004 is not a rank
    ],
)
def test_ties_of_people_are_free_and_ties_of_the_prediction_are_not(target, predicted, agrees):
    assert calibration.rank_score(np.array([target]), np.array([predicted])).value == agrees


def test_with_two_levels_the_ranks_agree_where_the_majority_does():
    share, p = TARGET[20:, 0], PREDICTED[20:, 0]
    pairs = [np.stack([x, 1 - x], axis=1) for x in (share, p)]
    assert calibration.rank_score(*pairs).value == pytest.approx(((share > 0.5) == (p > 0.5)).mean())


def test_the_bias_of_a_rate_is_that_of_all_pairs():
    rng = np.random.default_rng(1)
    item = np.sort(rng.integers(0, 30, 200))
    raters = np.bincount(item, minlength=30)
    assert (raters > 0).all()
    chosen, p = rng.integers(0, 2, 200), rng.random(200)
    means = [np.bincount(item, x, 30) / raters for x in (chosen, p)]
    estimate = calibration.rate_bias(*means, raters)
    assert estimate.value == pytest.approx(p.mean() - chosen.mean())
    assert estimate.influence.sum() == pytest.approx(0, abs=1e-12)
    dropped = np.ones(200, bool) & (item != 3)  # the influence is the derivative: leave one item out
    without = p[dropped].mean() - chosen[dropped].mean()
    assert estimate.value - without == pytest.approx(estimate.influence[3] * 200 / dropped.sum())


def test_nothing_gives_nan_and_no_distributions_are_refused():
    empty = np.zeros((0, 3))
    for metric in (
        calibration.distribution_error, calibration.entropy_error, calibration.entropy_bias, calibration.rank_score
    ):  # fmt: skip
        assert np.isnan(metric(empty, empty).value)
        with pytest.raises(DataError, match=r"predicted: 1 row\(s\) are not distributions, for example row 0"):
            metric(np.array([[0.5, 0.5]]), np.array([[0.5, 0.9]]))


@pytest.mark.parametrize("alpha", [(0.4, 0.2), (2.0, 1.0, 0.5), (8.0, 8.0)])
def test_the_rates_behind_panels_are_those_of_the_population(alpha):
    rng = np.random.default_rng(2)
    truth = rng.dirichlet(alpha, 1500)
    raters = rng.integers(3, 8, 1500)
    counts = np.stack([rng.multinomial(n, p) for n, p in zip(raters, truth, strict=True)])
    rates = calibration.rates_behind(counts)
    assert rates.shape == (20, 1500, len(alpha))
    np.testing.assert_allclose(rates.sum(2), 1)
    np.testing.assert_allclose(rates.mean((0, 1)), truth.mean(0), atol=0.02)
    np.testing.assert_allclose(rates.std((0, 1)), truth.std(0), atol=0.02)  # not that of the panels' shares
    assert (counts / raters[:, None]).std(0)[0] > truth.std(0)[0] + 0.02
    known = soft.finite_panel_ceiling(truth, raters, "cross_entropy").value
    estimated = soft.finite_panel_ceiling(rates.reshape(-1, len(alpha)), np.tile(raters, 20), "cross_entropy").value
    observed = soft.entropy_bound(counts / raters[:, None]).value
    assert estimated == pytest.approx(known, abs=0.02)
    assert abs(estimated - known) < abs(observed - known) / 3


def test_the_fit_is_the_most_likely_dirichlet():
    rng = np.random.default_rng(3)
    counts = np.stack([rng.multinomial(6, p) for p in rng.dirichlet((1.5, 0.7, 0.3), 300)])
    fitted = calibration._dirichlet(counts)

    def likelihood(alpha):
        return dirichlet_multinomial.logpmf(counts, alpha, 6).sum()

    for level in range(3):
        for factor in (0.97, 1.03):
            moved = fitted.copy()
            moved[level] *= factor
            assert likelihood(fitted) > likelihood(moved)


def test_panels_of_one_say_nothing_about_rates():
    with pytest.raises(DataError, match="no item has two votes, so the rates behind the votes cannot be estimated"):
        calibration.rates_behind(np.eye(3))
    with pytest.raises(DataError, match=r"counts must be \[item, level\] without negative numbers; got shape \(2,\)"):
        calibration.rates_behind(np.array([1, 2]))
    unanimous = calibration.rates_behind(np.array([[5, 0, 0], [5, 0, 0]]))
    assert np.isfinite(unanimous).all()
    assert unanimous[..., 0].min() > 0.9
