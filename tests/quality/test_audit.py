"""The tables of an audit against brute force, other libraries, closed forms and planted annotators."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import cohen_kappa_score, roc_auc_score

from perspectives.data.annotations import AnnotationSet, Tables
from perspectives.data.scale import Scale
from perspectives.data.synthetic import generate
from perspectives.errors import RunError
from perspectives.predictions import Predictions
from perspectives.quality.aggregation.incidence import Incidence
from perspectives.quality.aggregation.weighted import leave_one_out
from perspectives.quality.agreement import agreement
from perspectives.quality.audit.audit import audit
from perspectives.quality.audit.coverage import coverage
from perspectives.quality.audit.drift import drift
from perspectives.quality.audit.items import asked, gains, items, likeliest_strength
from perspectives.quality.audit.people import beyond_chance, contradicted, people
from perspectives.quality.audit.trained import data_map, told
from perspectives.quality.audit.units import others, points
from perspectives.quality.dynamics import Dynamics

pytestmark = pytest.mark.filterwarnings("ignore:alpha is undefined")
SCALES = {
    "nominal": Scale("nominal", ("no", "perhaps", "yes")),
    "ordinal": Scale.integers(1, 4),
    "interval": Scale("interval", low=0, high=10),
    "multilabel": Scale("multilabel", ("a", "b", "c")),
}


def annotations(
    kind: str = "nominal", count: int = 40, team: int = 30, raters: int = 6, seed: int = 0, careless: int = 0
):
    """People who mostly say what the item deserves; the first `careless` answer at random, never calling it so."""
    rng, scale = np.random.default_rng(seed), SCALES[kind]
    item = np.repeat(np.arange(count), raters)
    who = np.concatenate([rng.choice(team, raters, replace=False) for _ in range(count)])
    deserved = rng.random(count)[item] + rng.normal(0, 0.15, len(item))
    given = np.clip(np.where(who < careless, rng.random(len(item)), deserved), 0, 0.999)
    if kind == "interval":
        labels = pd.Series(np.round(10 * given, 1))
    elif kind == "multilabel":
        labels = scale.decode((given[:, None] > np.array([0.2, 0.5, 0.8])).astype(int))
    else:
        labels = scale.decode((given * scale.size).astype(int))
    table = pd.DataFrame({"item_id": [f"i{n}" for n in item], "annotator_id": [f"worker-{n}" for n in who]})
    table["label"] = labels
    texts = pd.DataFrame({"item_id": [f"i{n}" for n in range(count)], "text": [f"remark {n}" for n in range(count)]})
    texts["domain"] = np.where(np.arange(count) % 2, "tea", "rain")
    attributes = pd.DataFrame({"annotator_id": [f"worker-{n}" for n in range(team)]})
    attributes["gender"] = np.resize(["Woman"] * 12 + ["Man"] * 11 + ["Rare"] * 2 + ["unknown"] * 5, team)
    return AnnotationSet.from_tables(Tables(table, texts, attributes, scale), "invented")


# Others, and agreement beyond chance. ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", SCALES)
def test_others_are_all_annotations_of_the_unit_by_other_people(kind):
    rng = np.random.default_rng(1)
    made = annotations(kind, 8, 6, 4)
    unit, point = made.item_index, points(made)
    who = rng.integers(0, 6, len(made))  # somebody may have labelled a unit twice
    found = others(unit, who, point)
    for row in range(len(made)):
        rest = np.flatnonzero((unit == unit[row]) & (who != who[row]))
        assert found.count[row] == len(rest)
        if len(rest):
            np.testing.assert_allclose(found.mean[row], point[rest].mean(0))
            np.testing.assert_allclose(found.square[row], (point[rest] ** 2).sum(1).mean())
        else:
            assert np.isnan(found.square[row])


def test_with_one_other_person_and_levels_it_is_cohens_kappa():
    rng = np.random.default_rng(2)
    mine = rng.integers(0, 3, 200)
    theirs = np.where(rng.random(200) < 0.6, mine, rng.integers(0, 3, 200))
    eye = np.eye(3) / np.sqrt(2)
    found = beyond_chance(eye[mine], eye[theirs], np.full(200, 0.5))
    assert found.kappa == pytest.approx(cohen_kappa_score(mine, theirs))


def test_z_is_that_of_all_ways_of_dealing_the_labels_out():
    rng = np.random.default_rng(3)
    mine, mean = rng.normal(size=(25, 2)), rng.normal(size=(25, 2))
    mean += mine / 2
    together = (mine * mean).sum()
    dealt = np.array([(mine[rng.permutation(25)] * mean).sum() for _ in range(20_000)])
    expected = (together - dealt.mean()) / dealt.std()
    assert beyond_chance(mine, mean, (mean**2).sum(1)).z == pytest.approx(expected, rel=0.03)
    assert abs(expected) > 1


def test_without_variation_or_others_there_is_no_agreement_beyond_chance():
    same = np.full((5, 1), 0.5)
    assert np.isnan(beyond_chance(same, same, same[:, 0] ** 2)).all()
    assert np.isnan(beyond_chance(same[:1], same[:1], same[:1, 0] ** 2)).all()
    constant = beyond_chance(same, np.arange(5.0)[:, None], np.arange(5.0) ** 2)
    assert constant.kappa == pytest.approx(0)
    assert np.isnan(constant.z)


# People. -----------------------------------------------------------------------------------------------------------


def test_agreement_is_that_of_leave_one_out_votes():
    made = annotations()
    table, posterior = people(made)
    by_id = table.set_index("annotator_id").loc[made.annotators["annotator_id"]]
    expected = leave_one_out(Incidence.of(made)).annotators["agreement"]
    np.testing.assert_allclose(by_id["agreement"], expected)
    assert (by_id["labels"] == np.bincount(made.annotator_index)).all()
    assert posterior.shape == (40, 3)
    assert by_id["person"].tolist() == list(range(1, 31))


def test_random_answers_are_suspected_and_careful_ones_are_not():
    made = annotations(count=300, team=30, careless=4, seed=5)
    table, _ = people(made)
    assert set(table.loc[table["suspect"], "person"]) <= {1, 2, 3, 4}
    assert table["suspect"].sum() >= 3
    assert set(table["person"].head(4)) == {1, 2, 3, 4}  # those least like the others come first
    honest = people(annotations(count=300, team=30, seed=5))[0]
    assert not honest["suspect"].any()


def test_who_always_says_the_same_is_suspected_whatever_the_label():
    made = annotations(count=300, team=30, seed=6)
    table = made.annotations.copy()
    table.loc[table["annotator_id"] == "worker-3", "label"] = "yes"
    found, _ = people(replace(made, annotations=table))
    one = found.set_index("person").loc[4]
    assert one["most_used"] == "yes"
    assert one["most_used_share"] == 1
    assert one["entropy"] == pytest.approx(0)
    assert np.isnan(one["z"])
    assert one["suspect"]


@pytest.mark.parametrize("grouped", [False, True])
def test_a_group_with_its_own_view_is_not_careless(grouped):
    """Six people see everything by a scale of their own; together they are coherent, with the others at chance."""
    rng = np.random.default_rng(7)
    count, team = 200, 30
    own, common = rng.integers(0, 3, count), rng.integers(0, 3, count)
    item, who = np.repeat(np.arange(count), 10), np.concatenate([rng.choice(team, 10, False) for _ in range(count)])
    label = np.where(who < 6, own[item], common[item])
    table = pd.DataFrame({"item_id": item.astype(str), "annotator_id": who.astype(str)})
    table["label"] = SCALES["nominal"].decode(label)
    members = pd.DataFrame({"annotator_id": np.arange(team).astype(str)})
    if grouped:
        members["camp"] = np.where(np.arange(team) < 6, "few", "many")
    items_table = pd.DataFrame({"item_id": np.arange(count).astype(str)})
    found, _ = people(AnnotationSet.from_tables(Tables(table, items_table, members, SCALES["nominal"]), "camps"))
    camp = found[found["annotator_id"].astype(int) < 6]
    assert camp["kappa"].max() < found["kappa"].median()
    assert camp["suspect"].any() != grouped
    assert (camp["group_z"] > 3).all() == grouped


def test_labels_the_other_way_round_are_no_spam():
    made = annotations("ordinal", count=300, team=30, seed=8)
    table = made.annotations.copy()
    rows = table["annotator_id"] == "worker-2"
    table.loc[rows, "label"] = (5 - table.loc[rows, "label"].astype(int)).astype(str)
    one = people(replace(made, annotations=table))[0].set_index("person").loc[3]
    assert one["z"] < -3
    assert not one["suspect"]


def test_names_of_people_and_order_of_rows_change_nothing():
    made = annotations(careless=3, count=120)
    order = np.random.default_rng(0).permutation(len(made))
    shuffled = replace(made, annotations=made.annotations.iloc[order].reset_index(drop=True))
    first, second = (people(one)[0].drop(columns="annotator_id") for one in (made, shuffled))
    pd.testing.assert_frame_equal(first, second)


@pytest.mark.parametrize("kind", ["interval", "multilabel"])
def test_other_scales_do_without_competence(kind):
    table, posterior = people(annotations(kind, count=300, careless=4))
    assert posterior is None
    assert table["competence"].isna().all()
    assert set(table["person"].head(4)) == {1, 2, 3, 4}
    assert 3 <= table["suspect"].sum() == table["suspect"].head(4).sum()


def test_self_agreement_counts_pairs_of_own_annotations():
    rows = [("a", "x", 1, "no"), ("a", "x", 2, "no"), ("a", "x", 3, "yes"), ("b", "x", 1, "yes"), ("b", "x", 2, "yes"),
            ("a", "y", 1, "no"), ("b", "y", 1, "no")]  # fmt: skip
    table = pd.DataFrame(rows, columns=["item_id", "annotator_id", "round", "label"])
    ids = pd.DataFrame({"item_id": ["a", "b"], "gold": ["no", "perhaps"]})
    made = AnnotationSet.from_tables(Tables(table, ids, None, SCALES["nominal"]), "rounds")
    found = people(made)[0].set_index("annotator_id")
    assert found.loc["x", "self_agreement"] == pytest.approx((1 + 1) / (3 + 1))
    assert np.isnan(found.loc["y", "self_agreement"])
    assert found.loc["x", "gold"] == pytest.approx(2 / 5)


def test_competence_that_contradicts_agreement_is_said():
    table = pd.DataFrame({"competence": [0.9, 0.8, 0.2], "agreement": [0.5, 0.6, 0.9]})
    assert contradicted(table)
    assert not contradicted(table.assign(agreement=[0.9, 0.8, 0.2]))


# Items. ------------------------------------------------------------------------------------------------------------


def test_the_gain_is_the_expected_fall_of_a_dirichlets_variance():
    made = annotations(count=12)
    votes = np.zeros((12, 3))
    np.add.at(votes, (made.item_index, made.labels), 1)
    prior = votes.sum(0) / votes.sum()
    strength = likeliest_strength(votes, votes.sum(1), np.broadcast_to(prior, votes.shape))

    def variance(alpha):
        share = alpha / alpha.sum()
        return (share * (1 - share)).sum() / (alpha.sum() + 1)

    for votes_of, gain in zip(votes, gains(made), strict=True):
        alpha = votes_of + strength * prior
        after = sum(p * variance(alpha + one) for p, one in zip(alpha / alpha.sum(), np.eye(3), strict=True))
        assert gain == pytest.approx(variance(alpha) - after)


def test_the_strength_is_high_where_items_are_alike_and_low_where_they_differ():
    rng = np.random.default_rng(0)
    prior = np.full((300, 2), 0.5)
    alike = rng.multinomial(8, [0.5, 0.5], 300).astype(float)
    apart = np.eye(2)[rng.integers(0, 2, 300)] * 8
    assert likeliest_strength(alike, np.full(300, 8.0), prior) == 32
    assert likeliest_strength(apart, np.full(300, 8.0), prior) == 0.5


@pytest.mark.parametrize("kind", SCALES)
def test_few_raters_and_disagreement_come_first(kind):
    made = annotations(kind, count=30)
    few = made.select(~((made.item_index == 4) & (np.arange(len(made)) % 3 > 0)))
    table = items(few)
    assert len(table) == 30
    assert table["gain"].is_monotonic_decreasing
    assert table["item_id"].head(3).eq("i4").any()
    assert (table["raters"] == 6).sum() == 29
    together = agreement(made.select(made.item_index == 7)).pairwise
    assert 1 - table.set_index("item_id").loc["i7", "disagreement"] == pytest.approx(together)


def test_of_items_nobody_labelled_those_come_first_on_which_a_model_expects_disagreement():
    made = annotations(count=20)
    unseen = pd.DataFrame({"item_id": ["sure", "torn"], "text": ["remark", "remark"], "domain": "tea"})
    made = replace(made, items=pd.concat([made.items, unseen], ignore_index=True))
    predictions = np.full((22, 3), np.nan)
    predictions[20:] = [0.98, 0.01, 0.01], [0.4, 0.3, 0.3]
    table = items(made, predicted=predictions)
    assert table["item_id"].iloc[0] == "torn"
    assert table.set_index("item_id").loc["sure", "raters"] == 0
    found = gains(made, predictions)
    assert found[21] > 10 * found[20]


def test_the_group_most_missing_is_asked_and_rare_groups_are_not_named():
    made = annotations(count=20, raters=4)
    men = made.annotators["gender"] == "Man"
    only_women = made.select((made.item_index > 0) | ~men.to_numpy()[made.annotator_index])
    said = dict(zip(only_women.items["item_id"], asked(only_women, np.zeros(30, bool)), strict=True))
    assert said["i0"].startswith("gender=Man (0 of ")
    assert not any("Rare" in words or "unknown" in words for words in said.values())


def test_small_panels_name_who_has_not_labelled_an_item_and_nobody_suspected():
    made = annotations(count=10, team=6, raters=4)
    first = set(made.annotator_index[made.item_index == 0] + 1)
    missing = sorted(set(range(1, 7)) - first)
    nobody = asked(made, np.zeros(6, bool))
    assert nobody[0] == ", ".join(f"annotator {number}" for number in missing)
    suspect = np.arange(6) == missing[0] - 1
    assert asked(made, suspect)[0] == f"annotator {missing[1]}"


# Groups and drift. -------------------------------------------------------------------------------------------------


def test_coverage_counts_people_annotations_and_items_and_pools_small_groups():
    made = annotations(count=15, raters=3)
    suspect = np.arange(30) < 6
    table = coverage(made, suspect).set_index("group")
    judging = np.unique(made.annotator_index)
    women = np.flatnonzero(made.annotators["gender"] == "Woman")
    given = np.isin(made.annotator_index, women)
    assert table.loc["Woman", "people"] == len(np.intersect1d(women, judging))
    assert table.loc["Woman", "share_of_annotations"] == pytest.approx(given.mean())
    assert table.loc["Woman", "items"] == pytest.approx(len(np.unique(made.item_index[given])) / 15)
    assert table.loc["Woman", "suspects"] == pytest.approx(suspect[np.intersect1d(women, judging)].mean())
    assert "Rare" not in table.index
    small = table[table.index.str.startswith("fewer than 5")]
    assert len(small) == 1
    assert small[["items", "suspects"]].isna().all(axis=None)
    assert table["people"].sum() == len(judging)


def test_drift_is_description_of_the_parts():
    made = annotations("ordinal")
    time = pd.date_range("2024-01-01", periods=len(made), freq="h").astype(str)
    made = replace(made, annotations=made.annotations.assign(time=time))
    table = drift(made)
    assert table["field"].value_counts().to_dict() == {"time": 8, "domain": 2}
    assert table["value"].iloc[0] == "2024-01-01 00:00 to 2024-01-02 05:00"
    rain = table[table["value"] == "rain"].iloc[0]
    part = made.select((made.items["domain"] == "rain").to_numpy()[made.item_index])
    assert rain["mean"] == pytest.approx(part.annotations["label"].astype(float).mean())
    assert rain["low"] < rain["mean"] < rain["high"]
    assert (rain["pairwise"], rain["alpha"]) == (agreement(part).pairwise, agreement(part).alpha)


def test_without_fields_nothing_drifts():
    made = annotations()
    assert drift(replace(made, items=made.items.drop(columns="domain"))).empty


# With predictions. -------------------------------------------------------------------------------------------------


def predicted(made: AnnotationSet, seed: int = 0) -> Predictions:
    """Everyone's answers of a model that knows the items fairly well."""
    rng = np.random.default_rng(seed)
    count, team, size = len(made.items), len(made.annotators), made.scale.size
    logits = 2 * np.log(made.soft_labels() + 0.1)[:, None] + rng.normal(0, 0.3, (count, team, size))
    everyone = (np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)).astype(np.float32)
    pairs = made.annotations[["item_id", "annotator_id", "label"]].assign(training_labels=5)
    values = everyone[made.item_index, made.annotator_index]
    return Predictions(made.scale, pairs, values, made.items, made.annotators, everyone, {"method": "jury"})


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
    assert everyone["planted_auroc"] > 0.7


def test_rates_by_group_are_shares_and_small_groups_have_none():
    made = annotations(count=120, careless=6)
    found = told(predicted(made))
    table = found.groups.set_index("group")
    gender = made.annotators["gender"].to_numpy()[made.annotator_index]
    kind = found.annotations["kind"].to_numpy()
    assert table.loc["Man", "slips"] == pytest.approx((kind[gender == "Man"] == "slip").mean())
    assert table.loc["Man", "perspectives"] == pytest.approx((kind[gender == "Man"] == "perspective").mean())
    assert table.loc["everyone", "annotations"] == len(made)
    small = table.loc["fewer than 5 (1 value)"]
    assert small["people"] == 2
    assert np.isnan(small["slips"])
    assert np.isnan(small["planted_auroc"])
    rates = table.loc[["Woman", "Man"], "slips"]
    gap = found.gaps.set_index("attribute").loc["gender", "gap"]
    assert gap == pytest.approx(abs(rates.diff().iloc[1]))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda p: replace(p, everyone=None), "train again with predictions.everyone=true"),
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


# The whole. --------------------------------------------------------------------------------------------------------


def test_runs_of_other_annotations_are_refused():
    made = annotations()
    wrong = made.annotations.assign(label="perhaps")
    with pytest.raises(RunError, match=r"the run is not of these annotations: .* are not in invented; give the data"):
        audit(replace(made, annotations=wrong), predicted(made))


def test_small_corpora_say_nothing_of_groups():
    done = audit(annotations(count=20, team=12), permutations=10)
    assert not {"cohesion", "between", "coverage"} & set(done.tables())
    assert any(note.startswith("Fewer than 20 annotators") for note in done.notes)
    assert done.items["ask"].str.startswith("annotator").any()


@pytest.mark.parametrize("kind", SCALES)
def test_every_scale_is_audited(kind):
    done = audit(annotations(kind), permutations=10)
    assert {"people", "items", "cohesion", "between", "coverage", "drift"} == set(done.tables())
    assert done.told is None


def test_who_ignores_the_text_in_the_generated_population_is_suspected():
    made, truth = generate(items=1600, annotators=120, seed=1)
    table = people(made)[0].sort_values("person")
    enough = (table["shared"] >= 20).to_numpy()
    careless = (truth.careless != "no")[table["person"] - 1]
    assert (enough & careless).sum() >= 8
    assert table.loc[enough & careless, "suspect"].mean() > 0.6
    assert table.loc[enough & ~careless, "suspect"].mean() < 0.06
    assert not table.loc[~enough, "suspect"].any()


def test_the_weak_annotators_of_hatecheck_come_out_last(real_data):
    from perspectives.data.readers.hatecheck import read as read_hatecheck

    table, _ = people(AnnotationSet.from_tables(read_hatecheck(real_data / "hatecheck"), "hatecheck"))
    assert table["gold"].head(3).round(3).tolist() == [0.950, 0.961, 0.973]
    assert table["gold"].iloc[3:].min() > 0.98
    assert table["competence"].head(3).max() < table["competence"].iloc[3:].min()
    assert not table["suspect"].any()
