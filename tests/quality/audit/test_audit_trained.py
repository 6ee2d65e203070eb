"""What training adds to an audit, against scikit-learn and counting."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from audited import annotations, predicted
from sklearn.metrics import roc_auc_score

from perspectives.errors import RunError
from perspectives.quality.audit.trained import _auroc, data_map, told
from perspectives.quality.dynamics import Dynamics


def test_planted_slips_are_ranked_as_scikit_learn_ranks_them(monkeypatch):
    seen = {}

    def remembered(label, item, *rest):
        found = original(label, item, *rest)
        seen[len(seen)] = (np.asarray(label), found)
        return found

    original = told.__globals__["find_slips"]
    monkeypatch.setitem(told.__globals__, "find_slips", remembered)
    made = annotations(count=120)
    groups = told(predicted(made)).groups
    (label, _), (changed, again) = seen[0], seen[1]
    planted = label != changed
    assert 0.02 < planted.mean() < 0.08
    everyone = groups.iloc[0]
    assert everyone["planted_auroc"] == pytest.approx(roc_auc_score(planted, again.slip))
    assert everyone["planted_found"] == pytest.approx((again.kind[planted] == "slip").mean())
    assert everyone["untouched_called"] == pytest.approx((again.kind[~planted] == "slip").mean())
    assert everyone["auroc_low"] < everyone["planted_auroc"] < everyone["auroc_high"]
    assert everyone["planted_auroc"] > 0.7


def test_loss_is_that_of_the_prediction():
    made = annotations(count=60)
    predictions = predicted(made)
    table = told(predictions).annotations
    chosen = predictions.probabilities()[np.arange(len(made)), made.labels]
    np.testing.assert_allclose(table["loss"], -np.log(chosen), rtol=1e-5)


def test_what_was_expected_follows_the_rule_of_the_kind():
    table = told(predicted(annotations(count=120))).annotations
    sources = table["expected_of"].str.split(", ").map(lambda names: set(names) - {""})
    rest = table["kind"] != "slip"
    assert (sources[table["kind"] == "agreed"].map(lambda names: "anybody" in names)).all()
    assert (sources[table["kind"] == "perspective"].map(lambda names: bool(names) and "anybody" not in names)).all()
    assert not sources[table["kind"] == "unclear"].any()
    assert rest.any()
    likeliest = table["likeliest"] == table["label"]  # what is the likeliest of all is expected
    assert sources[likeliest].map(lambda names: "anybody" in names).all()
    meant = table["expected"] == table["label"]
    assert sources[meant].map(lambda names: "meant" in names).all()
    assert 0 < meant.mean() < 1


def test_pairs_of_people_never_seen_are_left_out():
    made = annotations(count=120)
    predictions = predicted(made)
    new = made.annotator_index < 4
    pairs = predictions.pairs.assign(training_labels=np.where(new, 0, 5))
    found = told(replace(predictions, pairs=pairs))
    assert found.unseen == new.sum()
    kept = predictions.pairs[~new].reset_index(drop=True)
    pd.testing.assert_frame_equal(found.annotations[["item_id", "annotator_id"]], kept[["item_id", "annotator_id"]])
    with pytest.raises(RunError, match=r"the model never saw any of these people, .* give runs of split=items"):
        told(replace(predictions, pairs=pairs.assign(training_labels=0)))


def test_the_interval_of_the_auroc_is_that_of_a_weighted_one():
    rng = np.random.default_rng(0)
    positive, score = rng.random(40) < 0.3, rng.integers(0, 8, 40).astype(float)
    found = _auroc(positive, score)
    assert found.value == pytest.approx(roc_auc_score(positive, score))
    for unit in range(40):
        weights = [np.where(np.arange(40) == unit, 1 + step, 1) for step in (1e-5, -1e-5)]
        up, down = (roc_auc_score(positive, score, sample_weight=weight) for weight in weights)
        assert found.influence[unit] == pytest.approx((up - down) / 2e-5, abs=1e-8)


def test_rates_by_group_are_shares_and_small_groups_have_none():
    made = annotations(count=120, careless=6)
    found = told(predicted(made))
    table = found.groups.set_index("group")
    gender = made.annotators["gender"].to_numpy()[made.annotator_index]
    kind = found.annotations["kind"].to_numpy()
    assert table.loc["Man", "slips"] == pytest.approx((kind[gender == "Man"] == "slip").mean())
    assert table.loc["Man", "perspectives"] == pytest.approx((kind[gender == "Man"] == "perspective").mean())
    assert table.loc["Man", "unclear"] == pytest.approx((kind[gender == "Man"] == "unclear").mean())
    assert table.loc["everyone", "annotations"] == len(made)
    small = table.loc["fewer than 5 (1 value)"]
    assert small[["people", "annotations"]].isna().all()
    assert np.isnan(small["slips"])
    assert np.isnan(small["planted_auroc"])
    rates = table.loc[["Woman", "Man"], "slips"]
    gap = found.gaps.set_index("attribute").loc["gender", "gap"]
    assert gap == pytest.approx(abs(rates.diff().iloc[1]))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda p: replace(p, everyone=None), "expected of anybody .* train again with predictions.everyone=true"),
        (lambda p: replace(p, everyone=p.everyone[:, :1]), "gives everybody the same answer"),
    ],
)
def test_predictions_that_cannot_tell_are_refused(change, said):
    with pytest.raises(RunError, match=said):
        told(change(predicted(annotations())))


def test_dynamics_of_several_runs_are_averaged_over_those_that_saw_the_annotation():
    table = pd.DataFrame({"item_id": ["a", "b", "c"], "annotator_id": "x", "label": ["no", "no", "yes"]})
    first = np.log(np.array([[0.2, 0.4], [0.4, 0.8]], np.float32))
    second = np.log(np.array([[0.9, 0.5]], np.float32))
    nothing = np.full((1, 1), np.nan, np.float32)
    found = data_map([
        Dynamics(table[:2], first, first), Dynamics(table[:2], second, second), Dynamics(table[2:], nothing, nothing)
    ])  # fmt: skip
    assert found["item_id"].tolist() == ["a", "b"]
    np.testing.assert_allclose(found["confidence"], [(0.3 + 0.9) / 2, (0.6 + 0.5) / 2], rtol=1e-6)
    np.testing.assert_allclose(found["variability"], [0.05, 0.1], rtol=1e-6)
    assert found["runs"].tolist() == [2, 2]
    np.testing.assert_allclose(found["threshold_closeness"], [(0.21 + 0.09) / 2, (0.24 + 0.25) / 2], rtol=1e-6)


def test_in_a_corpus_of_three_people_everyone_has_a_rate():
    (everyone,) = told(predicted(annotations(count=40, team=3, raters=3))).groups.query("attribute == ''").itertuples()
    assert (everyone.group, everyone.people) == ("everyone", 3)
    assert 0 <= everyone.low <= everyone.slips <= everyone.high <= 1
    assert everyone.planted_auroc == everyone.planted_auroc
