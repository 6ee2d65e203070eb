"""DEMO: five corpora with demographics under one scheme, with the splits of Beyond Demographics.

Tested on files written from the columns and values that the authors' public code and notebooks show, not on the
original. Paper: Orlikowski et al. 2025, Beyond Demographics: Fine-tuning Large Language Models to Predict Individuals'
Subjective Text Perceptions (ACL).
"""

import ast
from pathlib import Path

from perspectives.data.annotations import Tables
from perspectives.data.readers.common import SPLITS, find, located, one_of, read_table
from perspectives.data.scale import Scale
from perspectives.errors import DataError

FIVE = Scale.integers(1, 5)
SENTIMENT = Scale("ordinal", ("very negative", "somewhat negative", "neutral", "somewhat positive", "very positive"))
SAFETY = Scale("ordinal", ("No", "Unsure", "Yes"))
# Our name of a corpus -> its `task`, the key in its `labels`, its scale.
CORPORA = {
    "intimacy": ("intimacy", "intimacy", FIVE),
    "politeness": ("politeness", "politeness", FIVE),
    "offensiveness": ("offensiveness", "offensiveness", FIVE),
    "sentiment": ("diaz", "sentiment", SENTIMENT),
    "safety": ("dices-350", "Q_overall", SAFETY),
    "safety_990": ("dices-990", "Q_overall", SAFETY),
}
ATTRIBUTES = ["age", "gender", "race", "education"]


def read(path: str | Path, target: str = "intimacy") -> Tables:
    """Read one corpus of `merged_data.csv`, a row per annotation.

    target: `intimacy`, `politeness`, `offensiveness` (1 to 5), `sentiment` (five levels) or `safety` (No, Unsure, Yes,
        where Yes is UNSAFE); `safety_990` is in the authors' code but not in the paper.

    `split` is the published split by item. The published split by person is the `condition` of every annotation (train,
    validation, test): `split=column split.column=condition split.validation=validation split.test=test`. People whom
    the original authors excluded (`bad_users`) are left out, as in the paper.
    Raises MissingData without the file, DataError when a column is missing, the file has no such corpus, or a cell of
    `labels` cannot be parsed.
    """
    task, key, scale = CORPORA[one_of("target", target, CORPORA)]
    file = find(path, "merged_data.csv")
    columns = ["instance_id", "user_id", "text", "labels", "task", "instance_split", "user_split", "bad_users"]
    table = located(read_table(file, [*columns, *ATTRIBUTES]), file)
    tasks = sorted(set(table["task"]))
    table = table[(table["task"] == task) & (table["bad_users"].str.lower() != "true")]
    if table.empty:
        raise DataError(f"{file} has no task {task!r} for target={target}; it has {', '.join(tasks)}")
    table["label"] = [
        _label(cell, key, f"{file}:{row}") for cell, row in zip(table["labels"], table["row"], strict=True)
    ]
    table["split"], table["condition"] = (table[name].map(SPLITS) for name in ("instance_split", "user_split"))
    table = table.rename(columns={"instance_id": "item_id", "user_id": "annotator_id"})
    return Tables(
        table[["item_id", "annotator_id", "label", "condition", "file", "row"]],
        table[["item_id", "text", "split"]].drop_duplicates(),
        table[["annotator_id", *ATTRIBUTES]].drop_duplicates(),
        scale,
    )


def _label(cell: str, key: str, place: str) -> str:
    """The answer in `{'intimacy': 3.0}`."""
    try:
        return str(ast.literal_eval(cell)[key]).removesuffix(".0")
    except (ValueError, SyntaxError, KeyError, TypeError) as error:
        raise DataError(f"{place}: labels {str(cell)[:40]!r} holds no {key} ({type(error).__name__})") from error
