"""Toxicity of 120 comments: a pilot with over 100 raters per comment, and a round in which raters took a perspective.

Published as `cost-effective-subjective-assessment-dataset` by Duan and colleagues, collected in 2022.
"""

from pathlib import Path

import pandas as pd

from perspectives.data.annotations import Tables
from perspectives.data.readers.common import find, located, one_of, read_table
from perspectives.data.scale import Scale
from perspectives.errors import DataError

OLDEST = 120  # years; one formal rater states 130


def read(path: str | Path, which: str = "pilot", target: str | None = None) -> Tables:
    """Read `comments.csv` and `<which>_annotations.csv`.

    which: `pilot` (545 people rated whether a comment is toxic to them; nominal not_toxic, toxic, published as -1, 1)
        or `formal` (253 other people estimated the share of women, or of men, who find it toxic).
    target: for `formal`, `answer_f` (taking the perspective of women; also None) or `answer_m` (of men): interval, 0 to
        1. Rows without that answer are left out. The pilot has one target only and takes none.

    A few formal raters answered a comment twice, at times differently: choose `duplicates`. Items carry `pos_f` and
    `pos_m`, the shares of the pilot's women and men who found them toxic, and `source_id`, their id in the original
    corpus.
    Annotators have gender, race, age (a stated age above 120 is missing) and political.
    Raises MissingData without one of the files, DataError when a column is missing or an option is not accepted.
    """
    one_of("which", which, ("pilot", "formal"))
    if which == "pilot" and target is not None:
        raise DataError(f"which=pilot has one target; leave target={target} out or choose which=formal")
    comments = read_table(find(path, "comments.csv"), ["id", "comment_id", "text", "pos_f", "pos_m"])
    items = comments.rename(columns={"id": "item_id", "comment_id": "source_id"})
    items[["pos_f", "pos_m"]] = items[["pos_f", "pos_m"]].astype(float)
    column = "answer" if which == "pilot" else one_of("target", target or "answer_f", ("answer_f", "answer_m"))
    file = find(path, f"{which}_annotations.csv")
    politics = "politic" if which == "pilot" else "political"
    table = located(read_table(file, ["workerId", "comment", column, "race", "age", "gender", politics]), file)
    table = table.rename(
        columns={"workerId": "annotator_id", "comment": "item_id", column: "label", politics: "political"}
    )
    annotators = table[["annotator_id", "gender", "race", "age", "political"]].drop_duplicates()
    ages = pd.to_numeric(annotators["age"], errors="coerce")
    annotators["age"] = ages.where(ages <= OLDEST)
    table = table[table["label"].notna()]
    if which == "pilot":
        scale = Scale("nominal", ("not_toxic", "toxic"))
        table["label"] = table["label"].replace({"-1": "not_toxic", "1": "toxic"})
    else:
        scale = Scale("interval", low=0.0, high=1.0)
        annotators = annotators[annotators["annotator_id"].isin(table["annotator_id"])]
    return Tables(table[["item_id", "annotator_id", "label", "file", "row"]], items, annotators, scale)
