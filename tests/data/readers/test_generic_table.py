import json

import pandas as pd
import pytest

from perspectives.data.annotations import AnnotationSet
from perspectives.data.readers import table
from perspectives.data.readers.common import MissingData, one_of
from perspectives.errors import DataError, DataWarning
from perspectives.files import TABLE_SUFFIXES

LONG = pd.DataFrame(
    {
        "row": ["i1", "i1", "i2", "i2"],  # a name the reader must not use for itself
        "worker": ["007", "008", "007", "009"],
        "rating": ["10", "9", "2", "10"],
        "comment": ["Good tea", "Good tea", "Cold tea", "Cold tea"],
        "part": ["dev", "dev", "test", "test"],
        "sex": ["Woman", "Man", "Woman", "rather not say"],
        "shop": ["north", "north", "south", "south"],
    }
)
COLUMNS = {
    "item_id": "row",
    "annotator_id": "worker",
    "label": "rating",
    "text": "comment",
    "split": "part",
    "gold": None,
}
OPTIONS = {"columns": COLUMNS, "attributes": {"gender": "sex"}, "item_attributes": ["shop"], "kind": "ordinal"}
LEVELS = [2, 9, 10]


def written(folder, suffix):
    file = folder / f"mine{suffix}"
    if suffix == ".parquet":
        LONG.to_parquet(file)
    elif suffix == ".jsonl":
        LONG.to_json(file, orient="records", lines=True)
    else:
        LONG.to_csv(file, index=False, sep="\t" if suffix == ".tsv" else ",")
    return file


@pytest.mark.parametrize("suffix", TABLE_SUFFIXES)
def test_every_format_gives_the_same_set(tmp_path, suffix):
    tables = table.read(written(tmp_path, suffix), levels=LEVELS, **OPTIONS)
    annotations = AnnotationSet.from_tables(tables, "mine")
    assert annotations.labels.tolist() == [2, 1, 0, 2]
    assert annotations.annotators.to_dict("list") == {
        "annotator_id": ["007", "008", "009"],  # leading zeros stay
        "gender": ["Woman", "Man", "unknown"],
    }
    assert annotations.items.to_dict("list") == {
        "item_id": ["i1", "i2"],
        "text": ["Good tea", "Cold tea"],
        "split": ["validation", "test"],
        "shop": ["north", "south"],
    }


def test_three_files_give_what_one_gives(tmp_path):
    LONG[["row", "worker", "rating"]].to_csv(tmp_path / "annotations.csv", index=False)
    LONG[["row", "comment", "part", "shop"]].drop_duplicates().to_csv(tmp_path / "items.csv", index=False)
    LONG[["worker", "sex"]].drop_duplicates().to_parquet(tmp_path / "people.parquet")
    places = {"items": tmp_path / "items.csv", "annotators": tmp_path / "people.parquet"}
    three = AnnotationSet.from_tables(table.read(tmp_path / "annotations.csv", levels=LEVELS, **places, **OPTIONS), "x")
    one = AnnotationSet.from_tables(table.read(written(tmp_path, ".csv"), levels=LEVELS, **OPTIONS), "x")
    assert three.checksum == one.checksum


def test_inferred_levels_are_ordered_as_numbers_and_announced(tmp_path):
    with pytest.warns(DataWarning, match=r"levels of the ordinal scale, inferred from the labels: \['2', '9', '10'\]"):
        scale = table.read(written(tmp_path, ".csv"), **OPTIONS).scale
    assert scale.levels == ("2", "9", "10")


def test_inferred_names_are_ordered_as_text(tmp_path):
    (tmp_path / "a.csv").write_text("item_id,annotator_id,label\n1,x,rude\n2,x,kind\n3,x,10\n")
    with pytest.warns(DataWarning, match="inferred"):
        assert table.read(tmp_path / "a.csv").scale.levels == ("10", "kind", "rude")


def test_all_missing_columns_of_all_files_are_in_one_message(tmp_path):
    file = written(tmp_path, ".csv")
    (tmp_path / "items.csv").write_text("row,body\ni1,Good tea\n")
    with pytest.raises(DataError) as caught:
        table.read(
            file, columns=COLUMNS | {"label": "score", "time": "when"}, attributes=["age"], items=tmp_path / "items.csv"
        )
    message = str(caught.value)
    _, of_mine, of_items = message.splitlines()  # one line per file
    assert "mine.csv has no column 'score' (for label), 'when' (for time), 'age' (for age); it has" in of_mine
    assert "set data.reader.columns.label=…, data.reader.columns.time=…, data.reader.attributes or item_" in of_mine
    assert "items.csv has no column 'comment' (for text), 'part' (for split); it has ['row', 'body']; set " in of_items


def test_a_header_of_one_cell_is_told_what_parts_cells(tmp_path):
    LONG.to_csv(tmp_path / "mine.csv", index=False, sep=";")
    with pytest.raises(DataError, match=r"its header is one cell, 'row;worker;.*: separate cells by commas"):
        table.read(tmp_path / "mine.csv", **OPTIONS)


def test_a_table_without_rows_is_said_so(tmp_path):
    LONG[:0].to_csv(tmp_path / "mine.csv", index=False)
    with pytest.raises(DataError, match=r"mine\.csv has no rows; give a row per annotation"):
        table.read(tmp_path / "mine.csv", **OPTIONS)


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_other_encodings_are_to_be_saved_as_utf8(tmp_path, suffix, encoding):
    file = written(tmp_path, suffix)
    file.write_bytes(file.read_text().replace("Cold", "Thé").replace("\\u00e9", "é").encode(encoding))
    with pytest.raises(DataError, match=rf"mine\{suffix} is not UTF-8 text; save it as UTF-8"):
        table.read(file, **OPTIONS)


def test_a_single_name_needs_no_brackets(tmp_path):
    file = written(tmp_path, ".csv")
    tables = table.read(file, levels=LEVELS, columns=COLUMNS, attributes="sex", item_attributes="shop", kind="ordinal")
    assert list(tables.annotators) == ["annotator_id", "sex"]
    assert "shop" in tables.items
    with pytest.raises(DataError, match=r"needs at least two distinct levels; got \['yes'\]"):
        table.read(file, levels="yes", columns=COLUMNS)


def test_options_are_named_as_they_are_typed(tmp_path):
    file = written(tmp_path, ".csv")
    with pytest.raises(DataError, match=r"^data\.reader\.kind='sorted' is unknown"):
        table.read(file, columns=COLUMNS, kind="sorted")
    twice = table.read(file, levels=LEVELS, **OPTIONS | {"columns": COLUMNS | {"item_id": "shop", "text": None}})
    with pytest.raises(DataError, match=r"^data\.duplicates='last' is unknown"):
        AnnotationSet.from_tables(twice, "mine", "last")
    with pytest.raises(DataError, match=r"^data\.target='tea' is unknown"):
        one_of("target", "tea", ["soup"])
    with pytest.raises(DataError, match=r"^data\.reader\.which='tea' is unknown"):
        one_of("which", "tea", ["soup"])


def test_columns_we_do_not_know_are_refused(tmp_path):
    with pytest.raises(
        DataError, match=r"^data\.reader\.columns names \['txt'\]; accepted: item_id, annotator_id, label"
    ):
        table.read(written(tmp_path, ".csv"), columns={"txt": "comment"})


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_sets_of_labels_come_as_text_or_as_lists(tmp_path, suffix):
    file = tmp_path / f"sets{suffix}"
    if suffix == ".csv":
        file.write_text("item_id,annotator_id,label\n1,x,a; b\n1,y,\n2,x,b\n")
    else:
        rows = [("1", "x", ["b", "a"]), ("1", "y", []), ("2", "x", ["b"])]
        file.write_text(
            "\n".join(json.dumps(dict(zip(("item_id", "annotator_id", "label"), row, strict=True))) for row in rows)
        )
    separator = ";" if suffix == ".csv" else None
    tables = table.read(file, kind="multilabel", levels=["a", "b"], separator=separator)
    assert AnnotationSet.from_tables(tables, "sets").indicator().tolist() == [[1, 1], [0, 0], [0, 1]]


def test_a_set_as_text_needs_a_separator(tmp_path):
    (tmp_path / "sets.csv").write_text("item_id,annotator_id,label\n1,x,a|b\n")
    with pytest.raises(DataError, match=r"holds text, not a list, for example 'a\|b'; set data\.reader\.separator=…"):
        table.read(tmp_path / "sets.csv", kind="multilabel", levels=["a", "b"])


def test_interval_labels_outside_the_bounds_are_reported_with_their_row(tmp_path):
    (tmp_path / "a.csv").write_text("item_id,annotator_id,label\n1,x,0.25\n2,x,1.5\n")
    with pytest.raises(DataError, match=r"holds '1\.5' at a\.csv:3; expected a number from 0 to 1"):
        AnnotationSet.from_tables(table.read(tmp_path / "a.csv", kind="interval", low=0, high=1), "a")


def test_missing_annotator_ids_are_one_problem_with_places(tmp_path):
    (tmp_path / "raw_data.csv").write_text("item_id,annotator_id,label,gender\n1,x,0,Man\n1,,1,\n2,,1,\n2,x,1,Man\n")
    tables = table.read(tmp_path / "raw_data.csv", attributes=["gender"], levels=[0, 1])
    with pytest.raises(DataError) as caught:
        AnnotationSet.from_tables(tables, "raw")
    assert "raw: 1 problem(s)" in str(caught.value)
    assert "annotations: column annotator_id is empty at raw_data.csv:3, raw_data.csv:4" in str(caught.value)


def test_files_that_are_not_there(tmp_path):
    with pytest.raises(MissingData, match=r"nowhere\.csv does not exist; give a \.csv, \.tsv, \.jsonl, \.parquet file"):
        table.read(tmp_path / "nowhere.csv")
    with pytest.raises(DataError, match=r"xlsx is not a \.csv, .* file, a folder or a name on the Hub \(owner/name\)"):
        table.read(tmp_path / "nowhere.xlsx")
    for option in ("path", "items", "annotators"):
        options = {"path": tmp_path / "mine.csv"} | {option: 60}
        LONG.to_csv(tmp_path / "mine.csv", index=False)
        with pytest.raises(DataError, match=rf"^data\.reader\.{option}=60 is not a path; give a \.csv, .* file"):
            table.read(**options)
    (tmp_path / "a.parquet").write_text("not parquet")
    with pytest.raises(DataError, match=r"a\.parquet could not be read as Parquet"):
        table.read(tmp_path / "a.parquet")


def test_a_saved_dataset_brings_its_splits(tmp_path):
    datasets = pytest.importorskip("datasets")
    parts = {"train": LONG[:2].drop(columns="part"), "test": LONG[2:].drop(columns="part")}
    saved = datasets.DatasetDict({k: datasets.Dataset.from_pandas(v, preserve_index=False) for k, v in parts.items()})
    saved.save_to_disk(str(tmp_path / "saved"))
    options = OPTIONS | {"columns": COLUMNS | {"split": None}}
    annotations = AnnotationSet.from_tables(table.read(tmp_path / "saved", levels=LEVELS, **options), "saved")
    assert annotations.items["split"].tolist() == ["train", "test"]
    assert annotations.labels.tolist() == [2, 1, 0, 2]
    saved["train"].save_to_disk(str(tmp_path / "one"))
    assert "split" not in table.read(tmp_path / "one", levels=LEVELS, **options).items


def test_a_name_without_a_file_goes_to_the_hub_with_its_subset(monkeypatch):
    datasets = pytest.importorskip("datasets")
    asked = []

    def load_dataset(name, subset):
        asked.append((name, subset))
        if name == "someone/gone":
            raise FileNotFoundError("no such dataset")
        return datasets.DatasetDict({"train": datasets.Dataset.from_pandas(LONG, preserve_index=False)})

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    tables = table.read("someone/tea", levels=LEVELS, subset="raw", **OPTIONS)
    assert asked == [("someone/tea", "raw")]
    assert len(tables.annotations) == 4
    with pytest.raises(
        MissingData, match="someone/gone could not be loaded as a Hugging Face dataset: no such dataset"
    ):
        table.read("someone/gone")
