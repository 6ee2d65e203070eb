"""POPQUORN: offensiveness ratings of comments, with the demographics of every annotator.

Paper: Pei & Jurgens 2023, When Do Annotator Demographics Matter? Measuring the Influence of Annotator Demographics with
the POPQUORN Dataset (LAW-XVII).
"""

from pathlib import Path

from perspectives.data.annotations import Tables
from perspectives.data.readers.common import find, located, read_table
from perspectives.data.scale import Scale

ATTRIBUTES = ["gender", "race", "age", "occupation", "education"]


def read(path: str | Path, target: str = "offensiveness") -> Tables:
    """Read `raw_data.csv` from the folder `path`: one row per rating, columns `instance_id, user_id, text`, the rating
    and five demographics; ordinal levels 1..5, published as 1.0 .. 5.0.

    target: the rating column. `politeness` has the same columns by the documentation of the politeness folder, on
        which this reader was not tested.

    Age bands are kept as published (the fifties are spelt 50-54 and 54-59, the last band is >65).
    Raises MissingData without the file, DataError when it lacks a column.
    """
    file = find(path, "raw_data.csv")
    table = located(read_table(file, ["instance_id", "user_id", "text", target, *ATTRIBUTES]), file)
    table[target] = table[target].str.removesuffix(".0")
    table = table.rename(columns={"instance_id": "item_id", "user_id": "annotator_id", target: "label"})
    return Tables(
        table[["item_id", "annotator_id", "label", "file", "row"]],
        table[["item_id", "text"]].drop_duplicates(),
        table[["annotator_id", *ATTRIBUTES]].drop_duplicates(),
        Scale.integers(1, 5),
    )
