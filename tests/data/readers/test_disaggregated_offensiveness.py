import json

import pytest

from perspectives.data.annotations import AnnotationSet
from perspectives.data.readers import disaggregated_offensiveness
from perspectives.errors import DataError


def post(key, not_toxic=(), insult=(), hate=(), label=None):
    people = {"Annotators_not_toxic": not_toxic, "Annotators_insult": insult, "Annotators_hate": hate}
    return {"Index": key, "Comment": f"Tea {key}", "Label": label, "Jigsaw_toxic": 1} | people


def write(folder, *posts):
    (folder / "disaggregated_offensiveness.json").write_text(json.dumps(posts))


def test_lists_of_people_become_annotations(tmp_path):
    write(tmp_path, post("a", [7, 8], [9], label=0.0), post("b", insult=[8], hate=[7], label=1.0), post("c"))
    annotations = AnnotationSet.from_tables(disaggregated_offensiveness.read(tmp_path), "small")
    pairs = annotations.annotations[["item_id", "annotator_id", "label"]].to_numpy().tolist()
    assert pairs == [
        ["a", "7", "not_toxic"],
        ["a", "8", "not_toxic"],
        ["a", "9", "insult"],
        ["b", "8", "insult"],
        ["b", "7", "hate"],
    ]
    assert annotations.items["item_id"].tolist() == ["a", "b", "c"]
    assert "official_label" not in annotations.items


def test_toxic_puts_two_classes_together_and_has_the_published_aggregate(tmp_path):
    write(tmp_path, post("a", [7], [9], label=0.0), post("b", hate=[7], label=1.0), post("c", [7], [8]))
    annotations = AnnotationSet.from_tables(disaggregated_offensiveness.read(tmp_path, "toxic"), "small")
    assert annotations.labels.tolist() == [0, 1, 1, 0, 1]
    assert annotations.items["official_label"].fillna("undecided").tolist() == ["not_toxic", "toxic", "undecided"]


def test_what_is_not_of_this_format_is_named(tmp_path):
    write(tmp_path, post("a", [7]), {"Index": "b"})
    with pytest.raises(DataError, match=r"post 2 has no key 'Comment'; is this the file of Pachinger et al"):
        disaggregated_offensiveness.read(tmp_path)
    with pytest.raises(DataError, match="target='spans' is unknown; choose one of class, toxic"):
        disaggregated_offensiveness.read(tmp_path, "spans")
