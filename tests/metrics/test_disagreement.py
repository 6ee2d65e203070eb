"""Disagreement and selective prediction against direct computation threshold by threshold."""

import numpy as np
import pytest
from scipy import stats

from perspectives.errors import DataError
from perspectives.metrics.disagreement import aurc, entropy, risk_coverage, variance


def test_variance_and_entropy_are_those_of_the_labels_themselves():
    votes = np.array([[3, 1, 0, 1], [0, 0, 5, 0], [1, 1, 1, 2]])
    values = np.array([1.0, 2.0, 3.0, 6.0])
    for row, var, ent in zip(votes, variance(votes / 5, values), entropy(votes / 5), strict=True):
        assert var == pytest.approx(np.var(np.repeat(values, row)))
        assert ent == pytest.approx(stats.entropy(row))


def weighted_area(confidence, error, weight):
    """The definition, item by item: the risk among all at least as confident, averaged."""
    above = confidence >= confidence[:, None]
    risk = (above * weight * error).sum(1) / (above * weight).sum(1)
    return (weight * risk).sum() / weight.sum()


@pytest.mark.parametrize("ties", [False, True])
def test_aurc_value_and_influence(ties):
    rng = np.random.default_rng(0)
    confidence, error = rng.random(40), rng.integers(0, 2, 40).astype(float)
    if ties:
        confidence = np.round(confidence, 1)
    estimate = aurc(confidence, error)
    assert float(estimate) == pytest.approx(weighted_area(confidence, error, np.ones(40)))
    step = 1e-5 * np.eye(40)
    numeric = [(weighted_area(confidence, error, 1 + s) - weighted_area(confidence, error, 1 - s)) / 2e-5 for s in step]
    np.testing.assert_allclose(estimate.influence, numeric, atol=1e-8)


def test_risk_coverage_curve_by_hand():
    coverage, risk = risk_coverage(np.array([0.9, 0.5, 0.9, 0.1]), np.array([0, 1, 1, 1]))
    np.testing.assert_allclose(coverage, [0.5, 0.75, 1])
    np.testing.assert_allclose(risk, [1 / 2, 2 / 3, 3 / 4])


def test_a_better_ranking_has_a_smaller_area():
    error = np.array([0, 0, 0, 1, 1.0])
    areas = [float(aurc(score, error)) for score in (-error, np.zeros(5), error)]
    assert areas[0] < areas[1] == pytest.approx(0.4)
    assert areas[1] < areas[2]


def test_empty_input_and_bad_arguments():
    none = np.zeros(0)
    assert np.isnan(float(aurc(none, none)))
    assert [len(curve) for curve in risk_coverage(none, none)] == [0, 0]
    with pytest.raises(DataError, match="confidence holds 1 nan"):
        aurc(np.array([np.nan, 1]), np.ones(2))
