"""Tweets labelled for hate speech and offensive language under five versions of the annotation screen.

A: both questions on one screen; B and C: two screens per tweet, hate speech or offensive language first; D and E: all
tweets for one question, then all for the other, hate speech or offensive language first.
Paper: Kern et al. 2023, Annotation Sensitivity: Training Data Collection Methods Affect Model Performance (Findings of
EMNLP).
"""

from pathlib import Path

import pandas as pd

from perspectives.data.annotations import Tables
from perspectives.data.readers.common import find, located, one_of, read_table
from perspectives.data.scale import Scale

TARGETS = {"hate_speech": "hate.speech", "offensive_language": "offensive.language"}
FILES = {"train": "full_train_s.csv", "test": "full_test_s.csv"}


def read(path: str | Path, target: str = "hate_speech") -> Tables:
    """Read `full_train_s.csv` and `full_test_s.csv`; nominal 0 and 1.

    target: `hate_speech` or `offensive_language`. A tweet whose label a person left out (published as NA) has no row
        for that person.

    The version is the `condition` of every annotation and, as each person saw one version only, an attribute
    `condition` of the annotators. `split` is the official one (train, test; no validation).
    Raises MissingData without one of the files, DataError when a column is missing.
    """
    column = TARGETS[one_of("target", target, TARGETS)]
    tables = []
    for split, name in FILES.items():
        file = find(path, name)
        table = read_table(file, ["tweet.id", "id", "version", "tweet_hashed", column], na_values=["", "NA"])
        tables.append(located(table, file).assign(split=split))
    names = {
        "tweet.id": "item_id",
        "id": "annotator_id",
        "version": "condition",
        "tweet_hashed": "text",
        column: "label",
    }
    table = pd.concat(tables, ignore_index=True).rename(columns=names)
    return Tables(
        table.loc[table["label"].notna(), ["item_id", "annotator_id", "label", "condition", "file", "row"]],
        table[["item_id", "text", "split"]].drop_duplicates(),
        table[["annotator_id", "condition"]].drop_duplicates(),
        Scale("nominal", ("0", "1")),
    )
