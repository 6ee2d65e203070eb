"""AnnotationSet and validation: array views, round trips through folders and datasets, and every problem at once."""

import json

import numpy as np
import pandas as pd
import pytest

from perspectives.data.annotations import AnnotationSet, Tables, split_long_table
from perspectives.data.readers import lewidi2023
from perspectives.data.scale import Scale
from perspectives.data.validation import clean_attribute
from perspectives.errors import DataError, DataWarning

BINARY = Scale("nominal", ("no", "yes"))


def frame(*rows: tuple, columns: str = "item_id annotator_id label") -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=columns.split())


def checked(annotations, items=None, annotators=None, scale=BINARY, **options) -> AnnotationSet:
    if items is None:
        items = pd.DataFrame({"item_id": annotations["item_id"].unique()})
    return AnnotationSet.from_tables(Tables(annotations, items, annotators, scale), "tiny", **options)


LABELS = {
    "nominal": (Scale("nominal", ("no", "yes")), ["no", "yes", "yes", "no"]),
    "ordinal": (Scale.integers(1, 5), [5, 1, 3, 3]),
    "interval": (Scale("interval", low=0, high=1), [0.0, 0.25, 1, 0.5]),
    "multilabel": (Scale("multilabel", ("x", "y")), [("x", "y"), (), ("y",), ["x"]]),
}


def example(kind: str) -> AnnotationSet:
    """Three items (the last without annotations), two annotators, one missing value of each attribute."""
    scale, labels = LABELS[kind]
    annotations = pd.DataFrame(
        {"item_id": ["i2", "i1", "i1", "i2"], "annotator_id": ["b", "a", "b", "a"], "label": labels}
    )
    annotations["weight"] = [1.0, 0.5, 1.0, 2.0]
    items = frame(("i1", "One."), ("i2", "Two."), ("i3", "Three."), columns="item_id text")
    items["split"] = ["train", "test", None]
    annotators = frame(("b", "Man", 30), ("a", "", None), columns="annotator_id gender age")
    return checked(annotations, items, annotators, scale)


@pytest.mark.parametrize("kind", LABELS)
def test_a_saved_set_is_loaded_as_it_was(kind, tmp_path):
    annotations = example(kind)
    annotations.save(tmp_path / "set")
    loaded = AnnotationSet.load(tmp_path / "set")
    for table in ("annotations", "items", "annotators"):
        pd.testing.assert_frame_equal(getattr(loaded, table), getattr(annotations, table))
    assert (loaded.scale, loaded.name, loaded.checksum) == (annotations.scale, "tiny", annotations.checksum)


def test_notes_survive_saving(tmp_path):
    with pytest.warns(DataWarning, match="tiny: 1 repeated annotation"):
        annotations = checked(frame(("i", "a", "no"), ("i", "a", "no")))
    annotations.save(tmp_path / "set")
    assert AnnotationSet.load(tmp_path / "set").notes == annotations.notes != ()


@pytest.mark.parametrize("kind", LABELS)
def test_a_dataset_carries_everything_annotated(kind, tmp_path):
    datasets = pytest.importorskip("datasets")
    annotations = example(kind)
    dataset = annotations.to_dataset()
    assert dataset.num_rows == 4
    assert {"annotator_gender", "annotator_age", "text", "split", "weight"} < set(dataset.column_names)
    dataset.save_to_disk(tmp_path / "dataset")
    back = AnnotationSet.from_dataset(datasets.load_from_disk(tmp_path / "dataset"))
    pd.testing.assert_frame_equal(back.annotations, annotations.annotations)
    assert set(back.items["item_id"]) == {"i1", "i2"}
    expected = annotations.annotators.set_index("annotator_id").sort_index()
    pd.testing.assert_frame_equal(back.annotators.set_index("annotator_id").sort_index(), expected)
    assert (back.scale, back.name) == (annotations.scale, "tiny")


def test_items_with_turns_survive_both_trips(tmp_path):
    pytest.importorskip("datasets")
    items = pd.DataFrame(
        {"item_id": ["i1", "i2"], "turns": [["Hello.", "Hi."], ["Bye."]], "meta": [{"n": 1}, {"n": 2}]}
    )
    annotations = checked(frame(("i1", "a", "no"), ("i2", "a", "yes"), ("i1", "b", "no")), items)
    annotations.save(tmp_path / "set")
    loaded = AnnotationSet.load(tmp_path / "set")
    assert loaded.checksum == annotations.checksum
    assert [list(turns) for turns in loaded.items["turns"]] == [["Hello.", "Hi."], ["Bye."]]
    assert AnnotationSet.from_dataset(annotations.to_dataset()).checksum == annotations.checksum


def test_a_dataset_that_does_not_say_its_scale_needs_one():
    datasets = pytest.importorskip("datasets")
    dataset = datasets.Dataset.from_dict({"item_id": ["1"], "annotator_id": ["a"], "label": ["no"]})
    with pytest.raises(DataError, match=r"pass scale=Scale\(kind, levels\)"):
        AnnotationSet.from_dataset(dataset)
    assert AnnotationSet.from_dataset(dataset, scale=BINARY).labels.tolist() == [0]


def test_folders_that_are_no_saved_set_are_refused(tmp_path):
    folder = tmp_path / "set"
    with pytest.raises(DataError, match=r"is not a saved annotation set \(no set.json\)"):
        AnnotationSet.load(folder)
    example("nominal").save(folder)
    (folder / "items.parquet").write_bytes(b"half")
    with pytest.raises(DataError, match=r"set is damaged: .*; save the set again"):
        AnnotationSet.load(folder)
    (folder / "set.json").write_text('{"format": 1}')
    with pytest.raises(DataError, match="set is damaged: 'scale'"):
        AnnotationSet.load(folder)
    (folder / "set.json").write_text(json.dumps({"format": 99}))
    with pytest.raises(DataError, match="has format 99, this version reads 1"):
        AnnotationSet.load(folder)


def test_the_checksum_covers_labels_texts_attributes_and_scale():
    base = example("nominal")
    assert base.checksum == example("nominal").checksum
    changed = []
    for table, column, value in (
        ("annotations", "label", "no"),
        ("annotations", "weight", 3.0),
        ("items", "text", "Four."),
        ("annotators", "gender", "Woman"),
    ):
        other = example("nominal")
        getattr(other, table).loc[1, column] = value
        changed.append(other.checksum)
    changed.append(
        checked(base.annotations, base.items, base.annotators, Scale("nominal", ("no", "yes", "?"))).checksum
    )
    assert len({base.checksum, *changed}) == 6


def test_array_views_point_into_the_tables():
    annotations = example("nominal")
    for index, table, column in (("item_index", "items", "item_id"), ("annotator_index", "annotators", "annotator_id")):
        ids = getattr(annotations, table)[column].to_numpy()[getattr(annotations, index)]
        assert ids.tolist() == annotations.annotations[column].tolist()
    assert annotations.labels.tolist() == [0, 1, 1, 0]
    assert annotations.indicator().tolist() == [[1, 0], [0, 1], [0, 1], [1, 0]]
    assert annotations.attributes == ["gender", "age"]
    assert len(annotations) == 4


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("nominal", [[0, 1], [1, 0]]),
        ("ordinal", [[0.5, 0, 0.5, 0, 0], [0, 0, 0.5, 0, 0.5]]),
        ("interval", [[0.625], [0.25]]),
        ("multilabel", [[0, 0.5], [1, 0.5]]),
    ],
)
def test_soft_labels_by_hand(kind, expected):
    soft = example(kind).soft_labels()
    assert soft[:2].tolist() == expected
    assert np.isnan(soft[2]).all()


def test_ratings_have_no_levels_and_bare_items_no_text():
    with pytest.raises(DataError, match="tiny has an interval scale, which has no levels"):
        example("interval").indicator()
    with pytest.raises(DataError, match="tiny has no item texts"):
        _ = checked(frame(("i", "a", "no"))).texts


def test_selecting_keeps_order_and_only_what_occurs():
    annotations = example("nominal")
    mask = np.array([True, False, False, True])
    for rows in (mask, np.flatnonzero(mask)):
        selected = annotations.select(rows)
        assert selected.annotations["annotator_id"].tolist() == ["b", "a"]
        assert selected.items["item_id"].tolist() == ["i2"]
        assert selected.labels.tolist() == [0, 0]
        assert selected.item_index.tolist() == [0, 0]
    assert annotations.select(np.array([1])).annotators["annotator_id"].tolist() == ["a"]


def test_every_problem_is_reported_at_once_with_its_place():
    columns = "item_id annotator_id label file row"
    annotations = frame(
        ("i1", "a", "perhaps", "x.csv", 2),
        ("i1", "b", None, "x.csv", 3),
        ("i1", "c", "no", "x.csv", 4),
        ("i1", "c", "yes", "x.csv", 5),
        ("i9", "c", "yes", "x.csv", 6),
        (" ", "c", "yes", "x.csv", 7),
        columns=columns,
    )
    items = frame(("i1", "One.", "dev"), ("i2", "Two.", "test"), ("i2", "Zwei.", "test"), ("i3", " ", "test"),
                  columns="item_id text split")  # fmt: skip
    annotators = frame(("a", "x"), ("a", "y"), ("c", "z"), columns="annotator_id colour")
    with pytest.raises(DataError) as raised:
        checked(annotations, items, annotators)
    message = str(raised.value)
    assert message.startswith("tiny: 9 problem(s)\n")
    for part in (
        "annotations: column item_id is empty at x.csv:7",
        "annotations: column label is missing at x.csv:3; leave such rows out",
        "annotations: column label holds 'perhaps' at x.csv:2; expected one of no, yes",
        "the same annotator labelled the same item twice with different labels at x.csv:5; choose data.duplicates",
        "items: 1 item_id(s) are used for different items, for example ['i2']",
        "items: column text is empty for item_id ['i3'] (1 in all)",
        "items: column split holds ['dev']; expected train, validation, test or nothing",
        "annotations: item_id without an item at x.csv:6, x.csv:7",
        "annotators: 1 annotator(s) have more than one value of ['colour']",
    ):
        assert part in message


def test_many_places_are_counted():
    annotations = pd.DataFrame({"item_id": range(9), "annotator_id": "a", "label": "?"})
    with pytest.raises(DataError, match=r"holds '\?' at row 0, row 1, row 2, … \(9 in all\)"):
        checked(annotations)


def test_missing_columns_are_named_with_those_there():
    with pytest.raises(
        DataError, match=r"annotations: columns \['label'\] are missing; the table has \['item_id', 'ann"
    ):
        checked(frame(("i", "a"), columns="item_id annotator_id"))


@pytest.mark.parametrize(("scale", "label"), [(LABELS["multilabel"][0], ["w"]), (BINARY, ["no"])])
def test_a_set_off_the_scale_is_a_problem_and_not_a_crash(scale, label):
    annotations = pd.DataFrame({"item_id": ["i", "i"], "annotator_id": ["a", "b"], "label": [label, label]})
    with pytest.raises(DataError, match=r"column label holds \"\('(w|no)',\)\" at row 0, row 1; expected"):
        checked(annotations, scale=scale)


def test_names_that_would_collide_in_a_long_table_are_refused():
    items = frame(("i", 1, "x"), columns="item_id round annotator_note")
    annotators = frame(("a", 1), columns="annotator_id id")
    with pytest.raises(DataError, match=r"items: columns \['round', 'annotator_note'\] have names of") as raised:
        checked(frame(("i", "a", "no")), items, annotators)
    assert "annotators: an attribute cannot be called id" in str(raised.value)


def test_duplicates():
    equal, different = ("i", "a", "no"), ("i", "a", "yes")
    with pytest.warns(
        DataWarning, match="tiny: 1 repeated annotation.s. with equal labels were counted once, at row 1"
    ):
        assert len(checked(frame(equal, equal))) == 1
    with pytest.warns(DataWarning, match="1 later, different label"):
        assert checked(frame(equal, different), duplicates="first").labels.tolist() == [0]
    assert checked(frame(equal, different, equal), duplicates="keep").labels.tolist() == [0, 1, 0]
    rounds = frame((*equal, 1), (*different, 2), columns="item_id annotator_id label round")
    assert len(checked(rounds)) == 2
    with pytest.raises(DataError, match="duplicates='last' is unknown; choose one of error, first, keep"):
        checked(frame(equal), duplicates="last")


def test_ids_are_text_and_whole_numbers_lose_their_point():
    annotations = checked(pd.DataFrame({"item_id": [1.0, 2.0], "annotator_id": [7, 8], "label": ["no", "yes"]}))
    assert annotations.annotations[["item_id", "annotator_id"]].to_numpy().tolist() == [["1", "7"], ["2", "8"]]
    numbers = pd.DataFrame({"item_id": ["1"], "annotator_id": ["7"], "label": [3.0]})
    assert checked(numbers, scale=Scale.integers(1, 5)).annotations["label"].tolist() == ["3"]


def test_annotators_without_a_record_are_unknown():
    annotators = frame(("a", "red", 40.0), columns="annotator_id colour age")
    with pytest.warns(DataWarning, match="1 annotator.s. have no demographic record; their attributes are unknown"):
        annotations = checked(frame(("i", "a", "no"), ("i", "b", "no")), annotators=annotators)
    assert annotations.annotators["colour"].tolist() == ["red", "unknown"]
    assert annotations.annotators["age"].isna().tolist() == [False, True]


@pytest.mark.parametrize(
    ("came", "cleaned"),
    [
        (["DATA_EXPIRED", " Prefer not to say", "", None, "n/a", " red "], ["unknown"] * 5 + ["red"]),
        (["None", "null", " none", None], ["None", "null", "none", "unknown"]),  # answers, and a missing one
        (["30", "", "45.5"], [30, np.nan, 45.5]),
        ([30, 45], [30, 45]),
        (["18-24", "30"], ["18-24", "30"]),
        ([True, False], ["True", "False"]),
        (pd.array([True, None], dtype="boolean"), ["True", "unknown"]),
        (pd.array([1, None], dtype="Int64"), [1, np.nan]),
        (["", None], ["unknown", "unknown"]),
        (pd.Categorical(["red", None]), ["red", "unknown"]),
    ],
)
def test_missing_attributes_are_made_explicit(came, cleaned):
    pd.testing.assert_series_equal(clean_attribute(pd.Series(came)), pd.Series(cleaned), check_dtype=False)
    assert clean_attribute(pd.Series(came)).dtype in ("str", "float64")


def test_a_long_table_is_taken_apart():
    columns = "item_id annotator_id label text annotator_age round"
    table = frame(("i", "a", "no", "One.", 30, 1), ("i", "b", "yes", "One.", 40, 1), columns=columns)
    tables = split_long_table(table, BINARY)
    assert tables.items.to_dict("list") == {"item_id": ["i"], "text": ["One."]}
    assert tables.annotators.to_dict("list") == {"annotator_id": ["a", "b"], "age": [30, 40]}
    assert list(tables.annotations.columns) == ["item_id", "annotator_id", "label", "round"]
    with pytest.raises(DataError, match=r"columns \['annotator_id'\] are missing"):
        split_long_table(table.drop(columns="annotator_id"), BINARY)


def test_md_agreement_with_its_repeated_annotation(real_data):
    tables = lewidi2023.read(real_data / "lewidi2023_md_agreement", "MD-Agreement")
    with pytest.warns(DataWarning, match="1 repeated annotation.s. with equal labels were counted once"):
        annotations = AnnotationSet.from_tables(tables, "MD-Agreement")
    assert (len(annotations.items), len(annotations.annotators), len(annotations)) == (10753, 819, 53764)
    assert np.bincount(annotations.labels).tolist() == [35426, 18338]
