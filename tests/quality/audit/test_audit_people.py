"""Annotators against brute force, other libraries, closed forms and planted carelessness."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from audited import SCALES, annotations
from sklearn.metrics import cohen_kappa_score

from perspectives.data.annotations import AnnotationSet, Tables
from perspectives.data.synthetic import generate
from perspectives.quality.aggregation.incidence import Incidence
from perspectives.quality.aggregation.weighted import leave_one_out
from perspectives.quality.audit.others import others
from perspectives.quality.audit.people import beyond_chance, contradicted, people, suspects
from perspectives.quality.labels import points


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


def test_ratings_are_compared_by_distance():
    made = annotations("interval", count=300, careless=4)
    table, _ = people(made)
    assert table[["agreement", "most_used", "most_used_share", "entropy", "self_agreement"]].isna().all(axis=None)
    given = made.annotations.astype({"label": float})
    for one in table.itertuples():
        mine = given[given["annotator_id"] == one.annotator_id].set_index("item_id")["label"]
        rest = given[given["annotator_id"] != one.annotator_id].groupby("item_id")["label"].mean()
        assert one.distance == pytest.approx((mine - rest.reindex(mine.index)).abs().mean())
    assert table["distance"].head(4).min() > table["distance"].iloc[4:].max()  # the careless ones


def test_of_many_groups_one_agrees_by_chance():
    """Who answers at random is cleared by one of their groups in 5 % of cases, whatever the number of groups."""
    rng = np.random.default_rng(0)
    highest = {count: rng.normal(size=(20_000, count)).max(1) for count in (1, 6)}
    for count, z in highest.items():
        table = pd.DataFrame({"z": 0.0, "group_z": z, "groups": count, "shared": 100}, index=range(len(z)))
        typical = pd.DataFrame({"z": 9.0, "group_z": 9.0, "groups": count, "shared": 100}, index=range(len(z) + 1))
        assert suspects(pd.concat([table, typical])).iloc[: len(z)].mean() == pytest.approx(0.95, abs=0.005)


def test_groups_of_their_own_are_counted():
    made = annotations(count=60)
    more = made.annotators.assign(town="same", job=np.where(made.annotators["gender"] == "Rare", "unknown", "one"))
    table = people(replace(made, annotators=more))[0].set_index("person")
    by_gender = made.annotators["gender"].to_numpy()[table.index - 1]
    assert set(table.loc[by_gender == "unknown", "groups"]) == {2}
    assert set(table.loc[by_gender == "Woman", "groups"]) == {3}


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
    for name in ("competence", "agreement"):
        assert not contradicted(table.assign(**{name: 0.5}))  # and no warning of a constant


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


def test_of_people_who_met_nobody_no_competence_is_known():
    made = annotations(count=40)
    alone = made.annotations.iloc[:30].assign(annotator_id="alone", item_id=[f"own{n}" for n in range(30)])
    items = pd.DataFrame({"item_id": alone["item_id"], "text": "remark", "domain": "tea"})
    someone = made.annotators.iloc[:1].assign(annotator_id="alone")
    tables = Tables(
        pd.concat([made.annotations, alone]), pd.concat([made.items, items]), pd.concat([made.annotators, someone]),
        made.scale,
    )  # fmt: skip
    table = people(AnnotationSet.from_tables(tables, "invented"))[0].set_index("annotator_id")
    assert table.loc["alone", ["competence", "low", "high"]].isna().all()
    assert table.drop("alone")["competence"].notna().all()
