"""Juries of real raters: against going through every jury of an item's raters."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from invented import everything, predictions
from sklearn.metrics import accuracy_score

from perspectives.data.scale import Scale
from perspectives.errors import ConfigError
from perspectives.juries.composition_verdicts import composition_verdicts
from perspectives.juries.compositions import Composition, seats
from perspectives.juries.eligibility import item_blocks
from perspectives.juries.events import Event
from perspectives.juries.real_juries import against_people, agreement, competence, human_majority, ratings
from perspectives.juries.rules import Rule
from perspectives.juries.verdicts import Question
from perspectives.metrics.groups import SMALLEST_GROUP
from perspectives.predictions import Predictions


def rude(found: Predictions) -> Event:
    return Event.parse(None, found.scale)


def against(found: Predictions, text: str, question: Question, blocks=None):
    blocks = everything(found) if blocks is None else blocks
    return against_people(
        found, text, question, blocks, composition_verdicts(found, Composition.parse(text), question, blocks)
    )


@pytest.mark.parametrize("rule", ["majority", "unanimity", "supermajority 2/3"])
def test_real_juries_are_those_of_the_raters(rule):
    found = predictions(items=12, raters=9)
    question = Question(rude(found), Rule.parse(rule))
    text = "2 gender=Woman, 1 gender=Man"
    juries = against(found, text, question)
    gender = dict(zip(found.annotators["annotator_id"], found.annotators["gender"], strict=True))
    supported = []
    for place, item in enumerate(found.items["item_id"]):
        rows = found.pairs[found.pairs["item_id"] == item]
        said = [(gender[who], label == "rude") for who, label in rows[["annotator_id", "label"]].to_numpy()]
        women, men = ([vote for who, vote in said if who == wanted] for wanted in ("Woman", "Man"))
        votes = [sum(pair) + man for pair in combinations(women, 2) for man in men]
        needed = {"majority": 2, "unanimity": 3, "supermajority 2/3": 2}[rule]
        assert juries.raters[place] == len(women) + len(men)
        supported.append(bool(votes))
        if votes:
            assert juries.real.positive[place, 0] == pytest.approx(np.mean([v >= needed for v in votes]))
            assert juries.real.negative[place, 0] == pytest.approx(np.mean([3 - v >= needed for v in votes]))
    assert juries.supported.tolist() == supported
    assert sum(supported) > 0
    rows = juries.supported
    outcomes = [one.outcome[rows, 0] for one in (juries.predicted, juries.real)]
    assert juries.agreement().value == pytest.approx(accuracy_score(*outcomes))
    distance = np.abs(juries.predicted.positive - juries.real.positive)[rows].mean()
    assert juries.distance().value == pytest.approx(distance)


def test_as_many_items_as_have_raters_are_supported():
    found = predictions(items=10, raters=5)
    pairs = found.pairs.drop(index=[0, 1, 5]).reset_index(drop=True)
    found = replace(found, pairs=pairs, values=np.zeros((47, 2), np.float32))
    counts = [int(against(found, f"{n} population", Question(rude(found))).supported.sum()) for n in (3, 4, 5)]
    assert counts == [10, 9, 8]
    with pytest.raises(
        ConfigError, match="no item has enough raters for 6 population: at most 5 raters of an item are in"
    ):
        against(found, "6 population", Question(rude(found)))
    again = Question(rude(found), replacement=True)
    assert against(found, "6 population", again).supported.all()


def test_where_the_model_is_right_about_everyone_the_juries_are_the_same():
    """Everyone labelled everything, and is predicted to say what they said."""
    found = predictions(items=8, people=10, raters=10)
    said = np.zeros((8, 10, 2), np.float32)
    said[found.item_index, found.annotator_index, found.observed] = 1
    found = replace(found, everyone=said)
    juries = against(found, "5 population", Question(rude(found)))
    assert juries.real.positive == pytest.approx(juries.predicted.positive, abs=1e-12)
    assert juries.agreement().value == 1
    assert juries.distance().value == pytest.approx(0, abs=1e-12)


def test_only_those_who_may_judge_an_item_are_drawn_for_it():
    found = predictions(items=10, people=40, raters=8)
    blocks = item_blocks(found, "language")
    assert any((block.people.sum() < 40) for block in blocks)
    half = [one._replace(people=one.people & (np.arange(40) < 20)) for one in blocks]
    juries = against(found, "2 population", Question(rude(found)), half)
    inside = found.annotator_index < 20
    np.testing.assert_array_equal(juries.raters, np.bincount(found.item_index[inside], minlength=10))
    whole = against(found, "2 population", Question(rude(found)))
    assert np.abs(whole.predicted.positive - juries.predicted.positive).max() > 0.01


def test_groups_withheld_from_predicted_juries_are_not_supported():
    found = predictions(items=10, people=40, raters=12)
    blocks = item_blocks(found, "language")
    few = [blocks[0], blocks[1]._replace(people=blocks[1].people & (np.arange(40) < 8))]
    women = [int((seats("1 gender=Woman", found.annotators, one.people)[0].members).sum()) for one in few]
    assert women[0] >= SMALLEST_GROUP > women[1] > 0
    juries = against(found, "1 gender=Woman", Question(rude(found)), few)
    assert not juries.supported[few[1].items].any()
    assert juries.supported[few[0].items].any()


def test_rules_and_pools_that_real_juries_cannot_have():
    found = predictions("ordinal")
    event = Event.parse("label>=3", found.scale)
    with pytest.raises(ConfigError, match="rule median: juries of real raters need a rule that counts votes"):
        against(found, "3 population", Question(event, Rule("median")))
    with pytest.raises(ConfigError, match="juries of real raters need pools that do not overlap"):
        against(found, "2 gender=Woman, 2 population", Question(event))


# What people said. -------------------------------------------------------------------------------------------------


def labelled(labels: list[tuple[str, str, str]], scale: Scale) -> Predictions:
    pairs = pd.DataFrame(labels, columns=["item_id", "annotator_id", "label"]).assign(training_labels=1)
    items = pd.DataFrame({"item_id": [*dict.fromkeys(["x", "y", "z", *pairs["item_id"], "silent"])], "text": "tea"})
    people = pd.DataFrame({"annotator_id": [*dict.fromkeys([*"abcd", *pairs["annotator_id"]])]})
    return Predictions(scale, pairs, np.zeros((len(pairs), scale.size), np.float32), items, people)


NO_YES = Scale("nominal", ("no", "yes"))
SAID = [("x", "a", "yes"), ("x", "b", "yes"), ("x", "c", "no"), ("y", "a", "no"), ("y", "b", "yes"), ("z", "a", "no"),
        ("z", "a", "yes"), ("z", "a", "no"), ("z", "c", "no")]  # fmt: skip


def test_the_human_majority_is_more_than_half_of_the_annotations():
    found = labelled(SAID, NO_YES)
    assert human_majority(found, Event.parse(None, NO_YES)).tolist() == [1, 0, -1, 0]


def test_repeated_annotations_of_a_person_are_one_vote():
    item, person, vote = ratings(labelled(SAID, NO_YES), Event.parse(None, NO_YES))
    assert item.tolist() == [0, 0, 0, 1, 1, 2, 2]
    assert person.tolist() == [0, 1, 2, 0, 1, 0, 2]
    assert vote == pytest.approx([1, 1, 0, 0, 1, 1 / 3, 0])


def test_competence_is_agreement_with_the_others_shrunk_by_ten_labels():
    found = labelled([one for one in SAID if one[0] != "z"], NO_YES)
    a, b, c = (1 / 2 + 0) / 2, (1 / 2 + 0) / 2, 0  # c is alone against two; a and b agree with one of two, and not on y
    average = (1 / 2 + 0 + 1 / 2 + 0 + 0) / 5
    wanted = [(2 * a + 10 * average) / 12, (2 * b + 10 * average) / 12, (c + 10 * average) / 11, average]
    assert competence(found, Event.parse(None, NO_YES)) == pytest.approx(wanted)


def test_competence_by_mace_finds_who_guesses_and_gives_strangers_the_mean():
    rng = np.random.default_rng(3)
    truth = rng.integers(0, 2, 200)
    said = [truth.copy() for _ in range(4)]
    said[3] = rng.integers(0, 2, 200)
    table = [(f"t{item:03d}", "abcd"[who], ("no", "yes")[said[who][item]]) for item in range(200) for who in range(4)]
    found = labelled([*table, ("t200", "e", "yes")], NO_YES)
    weights = competence(found, Event.parse(None, NO_YES), "mace")
    assert weights[:3].min() > 0.9
    assert weights[3] < 0.3
    assert weights[4] == pytest.approx(weights[:4].mean())


def test_competence_where_nobody_shares_an_item_is_the_same_for_all():
    found = labelled([("x", "a", "yes"), ("y", "b", "no")], NO_YES)
    assert competence(found, Event.parse(None, NO_YES)).tolist() == [1, 1, 1, 1]


def test_agreement_counts_equal_verdicts_hung_ones_too():
    rows = np.array([True, True, True, True, False])
    found = agreement(np.array([1, 0, -1, 1, 1]), np.array([1, 0, 1, -1, 1]), rows)
    assert found.value == 0.5
