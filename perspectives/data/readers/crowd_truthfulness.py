"""Truthfulness of 180 statements by politicians, judged by crowd workers on one of three scales, with their views.

Paper: Roitero et al. 2020, Can The Crowd Identify Misinformation Objectively? The Effects of Judgment Scale and
Assessor's Background (SIGIR).
"""

from pathlib import Path

from perspectives.data.annotations import Tables
from perspectives.data.readers.common import find, located, one_of, read_table
from perspectives.data.scale import Scale

SCALES = {"S3": Scale.integers(0, 2), "S6": Scale.integers(0, 5), "S100": Scale("interval", low=0.0, high=100.0)}
ATTRIBUTES = {
    "age": "age", "degree": "education", "money": "income", "consideration": "party",
    "political_views": "political_views", "southern_border": "southern_border", "climate": "climate",
}  # fmt: skip
OF_ITEM = ("speaker", "source", "politifact_label", "abc_label")


def read(path: str | Path, scale: str = "S6") -> Tables:
    """Read `<scale>.csv`, a row per worker and statement; higher is truer.

    scale: `S3` (ordinal 0 to 2), `S6` (ordinal 0 to 5) or `S100` (interval, 0 to 100): other workers, same statements.

    Attention checks (`gold_question`) are left out. One worker submitted S3 twice; the first submission counts. Where
    the text of a statement differs between rows, the first row counts. Items have `speaker`, `source` (Politifact or
    ABC) and the labels of these experts. Answers to the cognitive test, searches and visited pages are not read.
    Raises MissingData without the file, DataError when a column is missing or the scale is unknown.
    """
    chosen = SCALES[one_of("scale", scale, SCALES)]
    attributes = {f"{scale}_{theirs}": ours for theirs, ours in ATTRIBUTES.items()}
    label, position = f"{scale}_truth_level", f"{scale}_document_position"
    file = find(path, f"{scale}.csv")
    columns = ["unit_id", "name_unique", "statement", label, position, *OF_ITEM, *attributes]
    table = located(read_table(file, columns)[columns], file)  # the file has another `party`, of the speaker
    table = table[~table.duplicated(["unit_id", position]) & (table["source"] != "gold_question")]
    names = {"unit_id": "annotator_id", "name_unique": "item_id", "statement": "text", label: "label"}
    table = table.rename(columns=names | attributes)
    return Tables(
        table[["item_id", "annotator_id", "label", "file", "row"]],
        table[["item_id", "text", *OF_ITEM]].drop_duplicates("item_id"),
        table[["annotator_id", *attributes.values()]].drop_duplicates(),
        chosen,
    )
