"""Who is asked, on a vocabulary small enough to weigh by hand."""

import numpy as np
import pandas as pd
import pytest
import torch

from perspectives.data.scale import Scale
from perspectives.data.schema import Attribute, Schema
from perspectives.errors import ConfigError, DataError, DataWarning
from perspectives.inference.respondents import asked, grouped, known, newcomers, population

GENDER = ["Woman"] * 6 + ["Man"] * 5 + ["Other"] * 2 + ["unknown"]
AGE = [20, 20, 50, 50, 50, 50, 20, 20, 20, 20, 20, 50, 50, 50]
LABELS = np.arange(1, 15)


@pytest.fixture
def schema() -> Schema:
    gender = Attribute("gender", ("Man", "Other", "Woman"))
    age = Attribute("age", ("<=30", ">30"), (30.0,))
    members = np.stack([gender.codes(pd.Series(GENDER)), age.codes(pd.Series(AGE))], 1)
    names = tuple(f"p{number:02d}" for number in range(14))
    return Schema(Scale("nominal", ("no", "yes")), names, LABELS, (gender, age), members, np.array([50, 55]))


def answers(who) -> np.ndarray:
    """Combined answers when the person with code c says c, [asked]."""
    said = who.annotators.code.numpy().astype(np.float32)[None, :, None]
    return who.combined(said)[0, :, 0]


def test_the_population_is_weighted_by_training_labels(schema):
    who = population(schema)
    assert (who.column, who.names) == ("group", ("everyone",))
    assert answers(who) == pytest.approx([np.average(np.arange(1, 15), weights=LABELS)])
    assert asked(schema).names == who.names


def test_annotators_answer_for_themselves_in_the_order_asked(schema):
    who = known(schema, ["p05", "p00", "p05"])
    assert (who.column, who.names) == ("annotator_id", ("p05", "p00"))
    assert answers(who).tolist() == [6, 1]
    assert torch.equal(who.annotators.attributes, torch.tensor([[3, 2], [3, 1]]))
    assert known(schema, " p05, p00 ").names == ("p05", "p00")
    assert answers(known(schema, "all")).tolist() == list(range(1, 15))


def test_groups_are_means_over_their_members(schema):
    with pytest.warns(DataWarning, match=r"^1 group\(s\) with fewer than 5 training annotators are left out$"):
        who = grouped(schema, "gender; gender=Man & age=<=30")
    assert who.names == ("gender=Man", "gender=Woman", "gender=Man & age=<=30")
    expected = [np.average(codes, weights=codes) for codes in (range(7, 12), range(1, 7), range(7, 12))]
    assert answers(who) == pytest.approx(expected)
    assert len(who.annotators) == 11  # others are not bothered
    same = grouped(schema, [{"gender": "Man", "age": "<=30"}])
    assert answers(same) == pytest.approx(expected[2:])


def test_open_attributes_are_crossed_and_nobody_without_a_known_value_is_in_a_group(schema):
    with pytest.warns(DataWarning, match=r"^2 group\(s\)"):  # older women and others are few, older men none
        who = grouped(schema, "gender & age=>30; age & gender=Man")
    assert who.names == ("age=<=30 & gender=Man",)
    with pytest.raises(ConfigError, match=r"group gender=unknown has fewer than 5 training annotators; ask about a w"):
        grouped(schema, "gender=unknown")


@pytest.mark.parametrize(
    ("groups", "said"),
    [
        ("sex=Man", r"the model does not know an attribute 'sex'; choose from gender, age"),
        ("gender=man", r"no training annotator has gender=man; choose from Man, Other, Woman, unknown"),
        ("gender=Other", r"group gender=Other has fewer than 5 training annotators; ask about a wider group"),
        ("gender=Man & age=>30", r"group gender=Man & age=>30 has no training annotator; ask about a wider group"),
        ("gender=", r"group 'gender=' is not understood; write it like gender=Woman & race=White"),
        ("gender=Man & gender=Woman", r"group 'gender=Man & gender=Woman' is not understood"),
        ("=Man", r"group '=Man' is not understood"),
        (" ; ", r"groups=' ; ' does not name a group of at least 5 training annotators"),
        ([], r"groups=\[\] does not name a group of at least 5 training annotators"),
    ],
)
def test_groups_that_are_nobody_are_refused(schema, groups, said):
    with pytest.raises(ConfigError, match=said):
        grouped(schema, groups)


def test_ids_nobody_has_are_refused(schema):
    with pytest.raises(
        ConfigError, match=r"annotators \['zoe'\] were not in training \(1 of 2\); give ids of schema.j"
    ):
        known(schema, "p01,zoe")
    with pytest.raises(ConfigError, match=r"annotators \[\] were not in training \(0 of 0\)"):
        known(schema, ",")


def test_new_people_are_known_by_their_attributes_alone(schema):
    table = pd.DataFrame(
        {"annotator_id": ["p00", "new"], "gender": [" Man", "Prefer not to say"], "age": ["20", "n/a"]}
    )
    who = newcomers(schema, table)
    assert who.names == ("p00", "new")
    assert who.annotators.code.tolist() == [0, 0]  # called like somebody, but not that person
    assert who.annotators.attributes.tolist() == [[1, 1], [0, 0]]
    assert newcomers(schema, pd.DataFrame({"age": [40.0, 20.0]})).annotators.attributes.tolist() == [[0, 2], [0, 1]]
    assert newcomers(schema, pd.DataFrame({"age": [40.0]})).names == ("person-1",)


def test_people_the_model_was_adapted_to_keep_what_it_learned(schema):
    adapted = schema.adapted_to(["new"], np.array([3]))
    who = newcomers(adapted, pd.DataFrame({"annotator_id": ["p00", "new"], "gender": ["Man", "Woman"]}))
    assert who.annotators.code.tolist() == [0, 15]
    assert population(adapted).names == ("everyone",)
    with pytest.raises(ConfigError, match=r"annotators \['new'\] were not in training"):
        known(adapted, "new")


def test_values_nobody_had_count_as_unknown_with_a_warning(schema):
    with pytest.warns(
        DataWarning, match=r"^gender 'Robot': no training annotator has such a value, so it counts as un"
    ):
        who = newcomers(schema, pd.DataFrame({"gender": ["Robot"]}))
    assert who.annotators.attributes.tolist() == [[0, 0]]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"gendr": ["Man"]}, r"people have columns \['gendr'\], which are not attributes; the model knows gender, a"),
        ({"gender": []}, "the table of people is empty; give a row per person"),
        ({"annotator_id": ["a", "a"]}, "annotator_id of people is missing or repeated; give each person a name"),
        ({"annotator_id": ["a", None]}, "annotator_id of people is missing or repeated"),
    ],
)
def test_tables_of_people_that_cannot_be_used_are_refused(schema, table, said):
    with pytest.raises(DataError, match=said):
        newcomers(schema, pd.DataFrame(table))


def test_one_kind_of_question_at_a_time(schema):
    with pytest.raises(ConfigError, match=r"annotators and groups are mutually exclusive; give one, or none"):
        asked(schema, annotators="all", groups="gender")
