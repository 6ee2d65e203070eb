"""What a model knows of people: codes, attributes, groups, and the way there and back through a file."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
import torch

from perspectives.data.annotations import AnnotationSet, Tables
from perspectives.data.scale import Scale
from perspectives.data.schema import Schema
from perspectives.errors import ConfigError, RunError

PEOPLE = pd.DataFrame(
    {
        "annotator_id": ["b", "a", "d", "c", "e"],
        "gender": ["woman", "man", "woman", "unknown", "man"],
        "age": [30.0, 20.0, 50.0, np.nan, 40.0],
    }
)
ROWS = [("1", "b", "no"), ("1", "a", "yes"), ("2", "d", "no"), ("2", "c", "no"), ("3", "e", "no"), ("3", "a", "no")]


@pytest.fixture
def annotations() -> AnnotationSet:
    rows = pd.DataFrame(ROWS, columns=["item_id", "annotator_id", "label"])
    return AnnotationSet.from_tables(
        Tables(rows, pd.DataFrame({"item_id": ["1", "2", "3"]}), PEOPLE, Scale("nominal", ("no", "yes"))), "small"
    )


def test_codes_follow_the_sorted_ids_and_values_and_zero_is_unknown(annotations):
    schema = Schema.of(annotations)
    assert schema.annotators == ("a", "b", "c", "d", "e")
    assert schema.counts.tolist() == [0, 2, 1, 1, 1, 1]
    assert schema.level_counts.tolist() == [5, 1]
    gender, age = schema.attributes
    assert (gender.values, gender.edges) == (("man", "woman"), None)
    assert age.edges == pytest.approx(np.quantile([20, 30, 40, 50], [0.25, 0.5, 0.75]))
    assert age.values == ("<=27.5", "<=35", "<=42.5", ">42.5")
    asked = pd.DataFrame(
        {"annotator_id": ["a", "stranger", "c"], "gender": ["man", "other", "woman"], "age": [20.0, 99.0, np.nan]}
    )
    encoded = schema.encode(asked)
    assert encoded.code.tolist() == [1, 0, 3]
    assert encoded.attributes.tolist() == [[1, 1], [0, 4], [2, 0]]
    assert (encoded.group > 0).tolist() == [True, False, False]  # nobody in training was like the last two


def test_people_with_the_same_values_share_a_group_and_others_do_not(annotations):
    schema = Schema.of(annotations)
    everyone = schema.training_annotators
    table = PEOPLE.sort_values("annotator_id")
    encoded = schema.encode(table)
    for name in ("code", "attributes", "group"):
        assert torch.equal(getattr(everyone, name), getattr(encoded, name)), name
    only = Schema.of(annotations, ["gender"])
    groups = only.training_annotators.group.tolist()
    assert groups[0] == groups[4] != groups[1] == groups[3]
    assert min(groups) > 0
    assert len(set(groups)) == 3  # of unknown gender: a group of its own


def test_attributes_can_be_left_out_and_must_exist(annotations):
    none = Schema.of(annotations, [])
    assert none.encode(PEOPLE).attributes.shape == (5, 0)
    assert none.encode(PEOPLE[["annotator_id"]]).group.unique().numel() == 1
    with pytest.raises(ConfigError, match="small has no attribute income; it has gender, age"):
        Schema.of(annotations, ["income", "age"])


def test_an_attribute_the_asked_table_lacks_is_unknown(annotations):
    encoded = Schema.of(annotations).encode(pd.DataFrame({"annotator_id": ["a"], "gender": ["woman"]}))
    assert encoded.attributes.tolist() == [[2, 0]]


def test_a_saved_schema_is_the_same(annotations, tmp_path):
    schema = Schema.of(annotations)
    schema.save(tmp_path / "schema.json")
    loaded = Schema.load(tmp_path / "schema.json")
    for field in dataclasses.fields(Schema):
        np.testing.assert_array_equal(getattr(loaded, field.name), getattr(schema, field.name))
    (tmp_path / "schema.json").write_text("{}")
    with pytest.raises(RunError, match=r"schema.json is damaged: .*; delete the run folder and train again"):
        Schema.load(tmp_path / "schema.json")
