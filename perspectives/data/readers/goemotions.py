"""GoEmotions, the raw annotations: Reddit comments labelled with any of 27 emotions or neutral.

Tested on files written from the documented columns, not on the originals.
Paper: Demszky et al. 2020, GoEmotions: A Dataset of Fine-Grained Emotions (ACL).
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from perspectives.data.annotations import Tables
from perspectives.data.readers.common import find, located, one_of, read_table
from perspectives.data.scale import Scale
from perspectives.errors import DataError

EMOTIONS = (
    "admiration", "amusement", "anger", "annoyance", "approval", "caring", "confusion", "curiosity", "desire",
    "disappointment", "disapproval", "disgust", "embarrassment", "excitement", "fear", "gratitude", "grief", "joy",
    "love", "nervousness", "optimism", "pride", "realization", "relief", "remorse", "sadness", "surprise", "neutral",
)  # fmt: skip
FILES = ("goemotions_1.csv", "goemotions_2.csv", "goemotions_3.csv")


def read(
    path: str | Path, emotions: Sequence[str] | None = None, target: str | None = None, unclear: str = "drop"
) -> Tables:
    """Read `goemotions_1.csv` to `goemotions_3.csv`, a row per rater and comment with one 0/1 column per emotion.

    emotions: levels to keep, None for all 28; a row with none of them is the empty set. Multilabel.
    target: one emotion, for a nominal scale 0 and 1 instead; not together with `emotions`.
    unclear: what to do with rows marked `example_very_unclear`, which have no emotion: `drop`, or `keep` as empty sets.

    Items have `subreddit`; authors of comments are not read. Raises MissingData without one of the files, DataError
    when a column is missing, an option is unknown or a cell is neither 0 nor 1.
    """
    one_of("unclear", unclear, ("drop", "keep"))
    if emotions is not None and target is not None:
        raise DataError("choose emotions (a multilabel scale) or target (one emotion, binary), not both")
    levels = tuple(one_of("emotions", emotion, EMOTIONS) for emotion in (emotions or EMOTIONS))
    if target is not None:
        levels = (one_of("target", target, EMOTIONS),)
    table = pd.concat([_read_part(find(path, name), levels) for name in FILES], ignore_index=True)
    if unclear == "drop":
        table = table[table["example_very_unclear"].str.lower() != "true"]
    annotations = table[["id", "rater_id", "file", "row"]].rename(columns={"id": "item_id", "rater_id": "annotator_id"})
    chosen = (table[list(levels)] == "1").to_numpy()
    if target is not None:
        annotations["label"] = np.where(chosen[:, 0], "1", "0")
        scale = Scale("nominal", ("0", "1"))
    else:
        names = np.array(levels)
        annotations["label"] = pd.Series(
            [tuple(names[row].tolist()) for row in chosen], annotations.index, dtype=object
        )
        scale = Scale("multilabel", levels)
    items = table[["id", "text", "subreddit"]].rename(columns={"id": "item_id"}).drop_duplicates()
    return Tables(annotations, items, None, scale)


def _read_part(file: Path, levels: tuple[str, ...]) -> pd.DataFrame:
    table = read_table(file, ["text", "id", "subreddit", "rater_id", "example_very_unclear", *levels])
    table = located(table, file)
    off = ~table[list(levels)].isin(["0", "1"]).all(axis=1)
    if off.any():
        raise DataError(
            f"{file}:{table.loc[off, 'row'].iloc[0]}: an emotion is neither 0 nor 1 ({off.sum()} rows in all)"
        )
    return table
