"""The measures of experiments/audit/slips, against scikit-learn and brute force."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score

FILE = Path(__file__).parents[2] / "experiments" / "audit" / "slips" / "measures.py"


@pytest.fixture(scope="module")
def measures():
    spec = importlib.util.spec_from_file_location("slips_measures", FILE)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def ranked(measures):
    """600 annotations of 100 items with many ties, in the corpus and five draws."""
    random = np.random.default_rng(0)
    positive = random.random(600) < 0.2
    suspicion = np.round(random.normal(positive, 1), 1)
    weights = measures.draws(np.repeat(np.arange(100), 6), 5)
    return measures.Ranking.of(suspicion, weights), suspicion, positive, weights


def test_draws_are_of_whole_items(measures):
    weights = measures.draws(np.repeat(np.arange(100), 6), 5)
    assert (weights[0] == 1).all()
    assert (weights.sum(1) == 600).all()
    assert (weights.reshape(6, 100, 6) == weights.reshape(6, 100, 6)[:, :, :1]).all()


def test_rankings_are_scored_as_scikit_learn_scores_them(ranked):
    ranking, suspicion, positive, weights = ranked
    for draw, weight in enumerate(weights):
        same = {"sample_weight": weight}
        assert ranking.auroc(positive, ~positive)[draw] == pytest.approx(roc_auc_score(positive, suspicion, **same))
        expected = average_precision_score(positive, suspicion, **same)
        assert ranking.average_precision(positive)[draw] == pytest.approx(expected)
        precision, recall, _ = precision_recall_curve(positive, suspicion, **same)
        assert ranking.found_at(positive, 0.6)[draw] == pytest.approx(recall[:-1][precision[:-1] >= 0.6].max())


def test_as_many_are_suspected_as_there_are_and_ties_share(ranked):
    ranking, suspicion, positive, weights = ranked
    flagged = ranking.suspects(positive)
    assert (flagged * weights).sum(1) == pytest.approx((weights * positive).sum(1), rel=1e-5)
    count = positive.sum()
    last = np.sort(suspicion)[::-1][count - 1]
    tied = suspicion == last
    expected = np.where(suspicion > last, 1, np.where(tied, (count - (suspicion > last).sum()) / tied.sum(), 0))
    assert flagged[0] == pytest.approx(expected, abs=1e-6)
    assert ranking.share(flagged, positive)[0] == pytest.approx((expected * positive).sum() / count)


def test_calibration_error_by_hand(measures):
    chance, positive = np.array([0.1, 0.2, 0.9, 1.0]), np.array([False, True, True, True])
    found = measures.calibration_error(chance, positive, np.ones((1, 4)), np.array([0, 0.5, 1]))
    assert found == pytest.approx(2 / 4 * abs(0.15 - 0.5) + 2 / 4 * abs(0.95 - 1))
