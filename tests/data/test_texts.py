"""Tables of texts: every format in the same way, whatever the size of the pieces, problems found before any work."""

import json

import numpy as np
import pandas as pd
import pytest

from perspectives.data.texts import TextFile, table_of
from perspectives.errors import DataError

TEXTS = [f"remark {number}, on “tea” 🍵\nand more\tof it" if number % 3 else f"soup {number}" for number in range(25)]


def written(folder, ending, table: pd.DataFrame):
    path = folder / f"texts{ending}"
    if ending == ".parquet":
        table.to_parquet(path)
    elif ending == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in table.to_dict("records")))
    else:
        table.to_csv(path, index=False, sep="\t" if ending == ".tsv" else ",")
    return path


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".jsonl", ".parquet"])
@pytest.mark.parametrize("size", [1, 7, 25, 100])
def test_every_format_gives_the_same_texts_in_pieces_of_any_size(tmp_path, ending, size):
    table = pd.DataFrame({"no": range(100, 125), "comment": TEXTS, "unused": "x"})
    file = TextFile(written(tmp_path, ending, table), {"text": "comment"}, "no")
    pieces = list(file.chunks(size))
    assert [len(piece) for piece in pieces] == [size] * (25 // size) + [25 % size] * (25 % size > 0)
    whole = pd.concat(pieces)
    assert list(whole) == ["item_id", "text"]
    assert whole["text"].tolist() == TEXTS
    assert whole["item_id"].tolist() == [str(number) for number in range(100, 125)]
    assert file.check() == 25


def test_ids_are_those_of_the_column_item_id_or_row_numbers(tmp_path):
    named = TextFile(written(tmp_path, ".csv", pd.DataFrame({"item_id": ["a", "NA"], "text": "tea"})), {"text": "text"})
    assert pd.concat(named.chunks(1))["item_id"].tolist() == ["a", "NA"]
    bare = TextFile(written(tmp_path, ".tsv", pd.DataFrame({"text": ["null", "nan"]})), {"text": "text"})
    assert pd.concat(bare.chunks(1)).to_numpy().tolist() == [["1", "null"], ["2", "nan"]]


def test_pairs_and_numbers_read_from_columns_with_gaps(tmp_path):
    table = pd.DataFrame({"text": ["tea", "soup"], "other": ["rain", "sun"], "item_id": np.array([3.0, 4.0])})
    file = TextFile(written(tmp_path, ".parquet", table), {"text": "text", "text_pair": "other"})
    assert pd.concat(file.chunks(9)).to_numpy().tolist() == [["3", "tea", "rain"], ["4", "soup", "sun"]]


def test_all_problems_are_named_at_once_with_their_rows(tmp_path):
    rows = [
        {"item_id": "abcabcab"[n], "text": " " if n in (1, 4, 5, 6) else f"t{n}", "text_pair": "p"} for n in range(8)
    ]
    file = TextFile(written(tmp_path, ".jsonl", pd.DataFrame(rows)), {"text": "text", "text_pair": "text_pair"})
    with pytest.raises(DataError) as error:
        file.check()
    assert str(error.value).splitlines() == [
        f"{tmp_path}/texts.jsonl: 2 problem(s), rows counted from 1",
        "  - column text is empty in row(s) 2, 5, 6, … (4 in all)",
        "  - column item_id repeats an earlier id in row(s) 4, 5, 6, … (5 in all)",
    ]


def test_missing_cells_are_empty_texts(tmp_path):
    file = TextFile(written(tmp_path, ".parquet", pd.DataFrame({"text": ["tea", None]})), {"text": "text"})
    with pytest.raises(DataError, match=r"- column text is empty in row\(s\) 2$"):
        file.check()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.txt", "tea", r"input=.*a\.txt is not a table of texts; expected \.csv, \.tsv, \.jsonl, \.parquet"),
        ("a.csv", "body,n\ntea,1\n", r"a\.csv has no column 'text' \(for text\); it has body, n; name another with te"),
        ("a.jsonl", '{"body": "tea"}\n', r"a\.jsonl has no column 'text' \(for text\); it has body;"),
        ("a.jsonl", "", r"a\.jsonl has no column 'text' \(for text\); it has none;"),
        ("a.csv", "", r"a\.csv could not be read: .*; is it a \.csv file\?"),
        ("a.parquet", "tea", r"a\.parquet could not be read: .*; is it a \.parquet file\?"),
        ("a.jsonl", '{"text": "tea"}\n[1]\n', r"a\.jsonl could not be read: line 2 holds list instead of an object"),
        ("a.jsonl", '{"text": "tea"}\n\n{"te', r"a\.jsonl could not be read: line 3 is not valid JSON"),
        ("a.jsonl", '{"text": "\\ud800"}\n', r"a\.jsonl could not be read: .*surrogates"),
        ("a.csv", 'text,n\ntea,1\nsoup,2,3,4\n', r"a\.csv could not be read: .*Expected 2 fields in line 3, saw 4"),
        ("a.csv", "text\ntea, with milk\n", r"a\.csv could not be read: rows have more fields than the header; quote"),
        ("a.csv", "text\n", r"a\.csv: there are no texts"),
    ],
)  # fmt: skip
def test_files_that_cannot_be_used_are_one_message(tmp_path, name, content, said):
    (tmp_path / name).write_text(content)
    with pytest.raises(DataError, match=said):
        TextFile(tmp_path / name, {"text": "text"}).check()


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
@pytest.mark.parametrize("ending", [".csv", ".jsonl"])
def test_other_encodings_are_to_be_saved_as_utf8(tmp_path, ending, encoding):
    path = tmp_path / f"a{ending}"
    path.write_bytes(("text\nThé\n" if ending == ".csv" else '{"text": "Thé"}\n').encode(encoding))
    with pytest.raises(DataError, match=rf"a\{ending} is not UTF-8 text; save it as UTF-8"):
        TextFile(path, {"text": "text"}).check()


def test_what_is_no_file_is_said_so(tmp_path):
    with pytest.raises(DataError, match=r"none\.csv is not a file; give a table with a row per text"):
        TextFile(tmp_path / "none.csv", {"text": "text"})


def test_texts_at_hand():
    assert table_of(["tea", "soup"], ("text",)).to_numpy().tolist() == [["1", "tea"], ["2", "soup"]]
    table = pd.DataFrame({"item_id": [7, 8], "text": ["tea", "soup"], "x": 0}, index=[5, 5])
    assert table_of(table, ("text",)).to_numpy().tolist() == [["7", "tea"], ["8", "soup"]]
    with pytest.raises(DataError, match=r"the texts have no column text_pair; the model reads text and text_pair"):
        table_of(table, ("text", "text_pair"))
    with pytest.raises(
        DataError, match=r"the texts: 1 problem\(s\), rows counted from 1\n  - column text is empty in r"
    ):
        table_of(["tea", ""], ("text",))
    with pytest.raises(DataError, match=r"the texts: there are no texts"):
        table_of([], ("text",))
