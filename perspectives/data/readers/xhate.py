"""XHate stability: the same people labelled the same tweets twice, in English or German. The texts are not published.

Paper: Abercrombie, Hovy & Prabhakaran 2023, Temporal and Second Language Influence on Intra-Annotator Agreement and
Stability in Hate Speech Labelling (LAW-XVII).
"""

from pathlib import Path

import pandas as pd

from perspectives.data.annotations import Tables
from perspectives.data.readers.common import find, located, read_table
from perspectives.data.scale import Scale


def read(path: str | Path) -> Tables:
    """Read `annotations.csv` (cells have leading spaces); nominal Not hateful, Hateful.

    Every row gives two annotations: `label1` with `round` 1 and `label2` with `round` 2. `condition` of an annotation
    is the language in which the tweet was shown in that round, `languages` of an item the published pair (en-de: first
    in English, then in German). There is no text, so the set serves agreement only.
    Raises MissingData without the file, DataError when a column is missing.
    """
    file = find(path, "annotations.csv")
    columns = ["row", "condition", "annotator", "label1", "label2"]
    table = read_table(file, columns, skipinitialspace=True)
    table = table.rename(columns={"row": "item_id", "annotator": "annotator_id", "condition": "languages"})
    table = located(table, file)
    shown = table["languages"].str.split("-")
    rounds = [
        table[["item_id", "annotator_id", "file", "row"]].assign(
            label=table[f"label{number}"], round=number, condition=shown.str[number - 1]
        )
        for number in (1, 2)
    ]
    annotations = pd.concat(rounds, ignore_index=True)
    annotations = annotations[annotations["label"].notna()]
    items = table[["item_id", "languages"]].drop_duplicates()
    return Tables(annotations, items, None, Scale("nominal", ("Not hateful", "Hateful")))
