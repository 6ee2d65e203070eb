"""Which metrics a set of predictions gets, on which units, against scikit-learn and brute force."""

import json
from dataclasses import replace

import numpy as np
import pytest
from invented_predictions import ITEMS, SCALES, made
from scipy.stats import pearsonr
from sklearn.metrics import cohen_kappa_score, f1_score

from perspectives.data import synthetic
from perspectives.data.splits import Split
from perspectives.evaluation.scores import CEILINGS, Evaluation, item_means, panel_ceilings, summary
from perspectives.metrics import soft
from perspectives.models.priors import priors

FAMILIES = {"individual", "majority", "soft", "disagreement", "calibration", "davani2022", "lewidi2023", "lewidi2025"}


def values(predictions) -> dict[str, float]:
    return {name: estimate.value for name, estimate in Evaluation(predictions).estimates.items()}


@pytest.mark.parametrize("kind", SCALES)
def test_every_metric_has_its_unit_and_an_interval(kind):
    predictions = made(kind)
    evaluation = Evaluation(predictions)
    assert len(evaluation.estimates) >= 4
    for name, estimate in evaluation.estimates.items():
        family = name.partition("/")[0]
        assert family in FAMILIES
        assert len(estimate.influence) == (len(predictions) if family == "individual" else ITEMS)
        interval = evaluation.interval(name)
        assert interval.value == pytest.approx(estimate.value, nan_ok=True)
        assert set(interval.clusters) == ({"item", "annotator"} if family == "individual" else {"item"})
    table = summary(predictions)
    assert table["counts"] == {"pairs": 12, "items": ITEMS, "annotators": 4}
    assert set(table["metrics"]) == set(evaluation.estimates)
    json.dumps(table)


def test_individual_metrics_are_those_of_scikit_learn():
    predictions = made("ordinal")
    got, observed, predicted = values(predictions), predictions.observed, predictions.labels()
    assert got["individual/accuracy"] == pytest.approx((observed == predicted).mean())
    macro = f1_score(observed, predicted, average="macro", labels=range(5), zero_division=0)
    assert got["individual/macro_f1"] == pytest.approx(macro)
    kappa = cohen_kappa_score(observed, predicted, weights="quadratic", labels=range(5))
    assert got["individual/qwk"] == pytest.approx(kappa)
    assert got["individual/mae"] == pytest.approx(np.abs(observed - predicted).mean())
    chosen = predictions.probabilities()[np.arange(12), observed]
    assert got["individual/cross_entropy"] == pytest.approx(-np.log(chosen).mean())
    seen = predictions.seen
    for name, rows in (("seen", seen), ("unseen", ~seen)):
        expected = f1_score(observed[rows], predicted[rows], average="macro", labels=range(5), zero_division=0)
        assert got[f"individual/macro_f1_{name}"] == pytest.approx(expected)
    everyone_seen = replace(predictions, pairs=predictions.pairs.assign(training_labels=3))
    assert "individual/macro_f1_seen" not in values(everyone_seen)


def test_sets_and_ratings_have_their_own_metrics():
    several, rating = made("multilabel"), made("interval")
    got, observed, predicted = values(several), several.observed, several.labels()
    assert got["individual/macro_f1"] == pytest.approx(f1_score(observed, predicted, average="macro", zero_division=0))
    assert got["individual/exact_match_error"] == pytest.approx((observed != predicted).any(1).mean())
    p = several.probabilities()
    loss = -(observed * np.log(p) + (1 - observed) * np.log(1 - p)).sum(1)
    assert got["individual/cross_entropy"] == pytest.approx(loss.mean(), rel=1e-5)
    got = values(rating)
    errors = rating.observed - rating.ratings()
    assert got["individual/mae"] == pytest.approx(np.abs(errors).mean())
    assert got["individual/rmse"] == pytest.approx(np.sqrt((errors**2).mean()))
    by_item = [array.reshape(ITEMS, 2).mean(1) for array in (rating.observed, rating.ratings())]
    assert got["soft/mae"] == pytest.approx(np.abs(by_item[0] - by_item[1]).mean())
    assert got["soft/pearson"] == pytest.approx(pearsonr(*by_item).statistic)


def test_the_order_of_pairs_and_items_changes_nothing():
    predictions = made("ordinal")
    order, items = np.random.default_rng(0).permutation(12), np.random.default_rng(1).permutation(ITEMS)
    moved = replace(
        predictions,
        pairs=predictions.pairs.iloc[order].reset_index(drop=True),
        values=predictions.values[order],
        items=predictions.items.iloc[items].reset_index(drop=True),
        everyone=None,
    )
    straight, permuted = values(predictions), values(moved)
    assert straight.keys() == permuted.keys()
    for name, value in straight.items():
        assert permuted[name] == pytest.approx(value, nan_ok=True), name


def test_soft_metrics_compare_item_means_and_majorities_leave_ties_out():
    predictions = made("nominal", seed=12)
    got = values(predictions)
    target = np.eye(2)[predictions.observed].reshape(ITEMS, 2, 2).mean(1)
    answer = predictions.probabilities().reshape(ITEMS, 2, 2).mean(1)
    assert got["soft/manhattan"] == pytest.approx(np.abs(target - answer).sum(1).mean(), rel=1e-6)
    assert got["soft/entropy_bound"] == pytest.approx(soft.entropy(target).mean())
    clear = target[:, 0] != 0.5
    assert 0 < clear.sum() < ITEMS
    votes = predictions.labels().reshape(ITEMS, 2).sum(1)
    voted = np.where(votes == 1, answer[:, 1] > answer[:, 0], votes == 2)
    assert ((votes == 1) & clear & voted).any()  # a tie of the predicted votes goes to the more probable level
    assert got["majority/accuracy"] == pytest.approx((voted == target[:, 1])[clear].mean())
    np.testing.assert_allclose(item_means(np.arange(12.0), predictions.item_index, ITEMS), np.arange(6) * 2 + 0.5)


def test_ties_are_positive_in_the_majority_score_of_davani():
    found = made("nominal")
    index, items = found.item_index, len(found.items)
    share = np.bincount(index, found.observed, items) / np.bincount(index)
    voted = np.bincount(index, found.labels(), items) / np.bincount(index)
    assert ((share == 0.5) | (voted == 0.5)).any()
    assert values(found)["davani2022/majority_f1"] == pytest.approx(f1_score(share >= 0.5, voted >= 0.5))
    assert "davani2022/majority_f1" not in values(made("ordinal"))


def test_the_shared_task_is_scored_only_where_its_labels_are_published():
    predictions = made("nominal")
    assert not any(name.startswith("lewidi2023/") for name in values(predictions))
    share = np.array([0.0, 0.17, 0.5, 0.67, 0.83, 1.0])
    items = predictions.items.assign(official_label=["no", "no", "yes", "yes", "yes", "yes"], official_soft_label=share)
    got = values(replace(predictions, items=items))
    answer = predictions.probabilities().reshape(ITEMS, 2, 2).mean(1)
    expected = -((1 - share) * np.log(answer[:, 0] + 1e-9) + share * np.log(answer[:, 1] + 1e-9)).mean()
    assert got["lewidi2023/cross_entropy"] == pytest.approx(expected, rel=1e-6)
    assert got["lewidi2023/micro_f1"] == pytest.approx(((answer[:, 1] > answer[:, 0]) == [0, 0, 1, 1, 1, 1]).mean())
    partly = replace(predictions, items=items.assign(official_label=["no", None, *["yes"] * 4]))
    assert not any(name.startswith("lewidi2023/") for name in values(partly))


def test_the_ideal_predictor_of_a_known_population_beats_the_priors():
    drawn, truth = synthetic.generate(items=150, annotators=20, annotations_per_item=6)
    split = Split(np.where(drawn.item_index < 100, 0, 2).astype(np.int8), "tiny")
    got = priors(drawn, split, "test")
    ideal = replace(got["class_prior"], values=truth.probability[split.rows("test")].astype(np.float32))
    losses = {name: values(p)["individual/cross_entropy"] for name, p in got.items() if not p.about["oracle"]}
    assert values(ideal)["individual/cross_entropy"] < min(losses.values())


@pytest.mark.parametrize("kind", SCALES)
def test_one_pair_and_no_pairs_are_summarised(kind):
    predictions = made(kind)
    for rows, pairs in ((np.arange(12) == 3, 1), (np.zeros(12, bool), 0)):
        table = summary(predictions.select(rows))
        assert table["counts"] == {"pairs": pairs, "items": pairs, "annotators": pairs}
        accuracy = table["metrics"]["individual/mae" if kind == "interval" else "individual/macro_f1"]["value"]
        assert np.isnan(accuracy) == (pairs == 0)


@pytest.mark.parametrize(("kind", "metric"), [("ordinal", "macro_f1"), ("multilabel", "macro_f1"), ("interval", "mae")])
def test_a_score_of_people_never_seen_rests_on_those_people_alone(kind, metric):
    predictions = made(kind)
    evaluation = Evaluation(predictions)
    for group, rows in (("seen", predictions.seen), ("unseen", ~predictions.seen)):
        interval = evaluation.interval(f"individual/{metric}_{group}")
        pairs = predictions.pairs[rows]
        assert interval.clusters == {"item": pairs["item_id"].nunique(), "annotator": pairs["annotator_id"].nunique()}
        assert interval.value == pytest.approx(
            Evaluation(predictions.select(rows)).estimates[f"individual/{metric}"].value
        )


def test_items_that_a_split_kept_together_are_one_cluster():
    predictions = made("ordinal")
    groups = np.arange(ITEMS) // 2
    grouped = replace(predictions, items=predictions.items.assign(group=groups), about={"group_by": "group"})
    for name in ("individual/accuracy", "soft/manhattan"):
        assert Evaluation(predictions).interval(name).clusters["item"] == ITEMS
        assert Evaluation(grouped).interval(name).clusters["item"] == groups.max() + 1
    estimate = Evaluation(grouped).estimates["soft/manhattan"]
    sums = np.bincount(groups, estimate.influence)
    clusters = len(sums)
    assert Evaluation(grouped).interval("soft/manhattan").se == pytest.approx(
        np.sqrt(sums @ sums * clusters / (clusters - 1))
    )


@pytest.mark.parametrize("kind", SCALES)
def test_the_bias_of_every_level_is_predicted_minus_observed_rate(kind):
    predictions = made(kind)
    got = {name: value for name, value in values(predictions).items() if name.startswith("calibration/bias")}
    if kind == "interval":
        assert got == {"calibration/bias": pytest.approx((predictions.ratings() - predictions.observed).mean())}
        return
    observed = predictions.observed if kind == "multilabel" else np.eye(predictions.scale.size)[predictions.observed]
    difference = (predictions.probabilities() - observed).mean(0)
    levels = list(enumerate(predictions.scale.levels))
    expected = {f"calibration/bias_{name}": difference[n] for n, name in levels[kind == "nominal" :]}
    assert got.keys() == expected.keys()
    assert len(got) == {"nominal": 1, "ordinal": 5, "multilabel": 3}[kind]
    for name, value in expected.items():
        assert got[name] == pytest.approx(value, rel=1e-5)


def test_calibration_compares_the_soft_labels():
    predictions = made("ordinal")
    got = values(predictions)
    target = np.eye(5)[predictions.observed].reshape(ITEMS, 2, 5).mean(1)
    answer = predictions.probabilities().reshape(ITEMS, 2, 5).mean(1)
    difference = soft.entropy(answer) - soft.entropy(target)
    assert got["calibration/dist_ce"] == pytest.approx(got["soft/manhattan"] / 2)
    assert got["calibration/entropy_ce"] == pytest.approx(np.abs(difference).mean(), rel=1e-6)
    assert got["calibration/entropy_bias"] == pytest.approx(difference.mean(), rel=1e-6)
    perfect = replace(predictions, values=np.eye(5, dtype=np.float32)[predictions.observed])
    assert values(perfect)["calibration/rank_cs"] == 1


@pytest.mark.parametrize("kind", SCALES)
def test_a_metric_among_some_pairs_is_that_of_these_pairs(kind):
    predictions, rows = made(kind), np.arange(12) % 3 > 0
    alone, among = Evaluation(predictions.select(rows)), Evaluation(predictions)
    compared = [name for name in alone.estimates if name.startswith("individual/")]
    assert len(compared) >= 2
    for name in compared:
        estimate = among.among(name, rows)
        assert estimate.value == pytest.approx(alone.estimates[name].value, nan_ok=True)
        np.testing.assert_array_equal(estimate.influence[rows], alone.estimates[name].influence)
        assert (estimate.influence[~rows] == 0).all()
    everyone_seen = predictions.seen
    assert np.isnan(among.among("individual/macro_f1_unseen", everyone_seen).value)


def test_the_ceilings_of_a_known_population_are_met_by_its_rates():
    """A model that knows each item's rate scores what the ceilings say, which no constant does."""
    rng = np.random.default_rng(0)
    truth = rng.dirichlet((1.0, 0.6), 800)
    item = np.repeat(np.arange(800), 5)
    said = (rng.random(len(item)) < truth[item, 1]).astype(int)
    base = made("nominal")
    pairs = base.pairs.iloc[np.zeros(len(item), int)].reset_index(drop=True)
    pairs = pairs.assign(item_id=[f"i{n}" for n in item], label=base.scale.decode(said))
    items = base.items.iloc[np.zeros(800, int)].assign(item_id=[f"i{n}" for n in range(800)]).reset_index(drop=True)
    ideal = replace(base, pairs=pairs, items=items, values=truth[item].astype(np.float32), everyone=None)
    scores, ceilings = values(ideal), panel_ceilings(ideal, list(CEILINGS))
    assert set(ceilings) == {*CEILINGS}
    for name in ("soft/cross_entropy", "soft/jsd", "soft/manhattan", "soft/brier"):
        assert ceilings[name] == pytest.approx(scores[name], rel=0.06), name
    constant = values(replace(ideal, values=np.tile(truth.mean(0), (len(item), 1)).astype(np.float32)))
    assert constant["soft/cross_entropy"] > 1.2 * ceilings["soft/cross_entropy"]
    assert ceilings["soft/cross_entropy"] > 1.2 * scores["soft/entropy_bound"]


def test_without_panels_or_distributions_there_is_no_ceiling():
    assert panel_ceilings(made("interval"), list(CEILINGS)) == {}
    assert panel_ceilings(made("multilabel"), list(CEILINGS)) == {}
    assert panel_ceilings(made("ordinal"), ["individual/macro_f1", "soft/f1"]) == {}
    single = made("ordinal").select(np.arange(12) % 2 == 0)
    assert panel_ceilings(single, ["soft/manhattan"]) == {}
    assert list(panel_ceilings(made("ordinal"), ["soft/wasserstein"])) == ["soft/wasserstein"]
