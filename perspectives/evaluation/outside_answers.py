"""Predictions of outside models, read from a table, so that LLMs and others' models are scored like our own."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from perspectives.data.scale import SETS, Scale, level_name
from perspectives.errors import DataError
from perspectives.files import TABLE_SUFFIXES
from perspectives.predictions import PAIR_KEY, Predictions, answer_columns

ABOUT_THE_PAIRS = ("data", "split", "fold", "part", "group_by")  # of `about`: true of any model's answers
ROUNDING = 1e-3  # largest distance from 1 of the sum of a pair's probabilities


def imported(path: str | Path, reference: Predictions) -> Predictions:
    """Predictions of an outside model for exactly the pairs of `reference`, read from a table (see TABLE_SUFFIXES).

    The table has `item_id`, `annotator_id` (omitted when the model gives everyone the same answer) and one column
    `p_<level>` per level, or `rating`, or `prediction` (a level name; sets of levels separated by commas, empty for the
    empty set). Rows for other pairs are ignored. `training_labels` are those of `reference`, so that both are scored on
    the same seen and unseen people.

    Raises DataError naming missing columns, repeated pairs, pairs without an answer, and values out of range.
    """
    path = Path(path)
    table = _read(path)
    columns = answer_columns(reference.scale)
    if "prediction" in table and not set(columns) <= set(table.columns):
        table = _from_labels(table, reference.scale, path)
    missing = [c for c in ("item_id", *columns) if c not in table.columns]
    if missing:
        raise DataError(f"{path} has no column {missing}; it needs item_id, annotator_id and {columns} (or prediction)")
    key = [c for c in PAIR_KEY if c in table.columns and c in reference.pairs]
    answers, pairs = table[[*key, *columns]].copy(), reference.pairs[key].copy()
    for column in key:
        answers[column], pairs[column] = answers[column].map(level_name), pairs[column].map(level_name)
    if twice := int(answers.duplicated(key).sum()):
        raise DataError(f"{path} answers {twice} pairs more than once; keep one row per {' and '.join(key)}")
    values = _numbers(pairs.merge(answers, how="left", on=key), columns, reference, path)
    _check_range(values, reference, path)
    about = {key: reference.about[key] for key in ABOUT_THE_PAIRS if key in reference.about}
    about |= {"method": path.stem, "imported": str(path)}
    undecided = reference.pairs.drop(columns="decision", errors="ignore")  # labels decided for the reference's model
    return replace(reference, pairs=undecided, values=values.astype(np.float32), everyone=None, about=about)


def _read(path: Path) -> pd.DataFrame:
    if path.suffix not in TABLE_SUFFIXES:
        raise DataError(f"{path} is not a table of predictions; expected {', '.join(TABLE_SUFFIXES)}")
    try:
        if path.suffix == ".parquet":
            return pd.read_parquet(path)
        if path.suffix == ".jsonl":
            return pd.read_json(path, lines=True, dtype=False, precise_float=True)
        ids = {"item_id": "str", "annotator_id": "str"}
        separator = "\t" if path.suffix == ".tsv" else ","
        # levels and people may be called NA, None or null
        return pd.read_csv(path, sep=separator, dtype=ids, keep_default_na=False, na_values=[""])
    except (OSError, ValueError) as error:
        raise DataError(f"{path} could not be read as a table of predictions: {error}") from error


def _from_labels(table: pd.DataFrame, scale: Scale, path: Path) -> pd.DataFrame:
    """The table with its column `prediction` turned into the `answer_columns`, with probabilities 0 and 1."""
    named = table["prediction"]
    codes = scale.encode(named.map(_members) if scale.kind == "multilabel" else named)
    bad = codes < 0 if scale.categorical else np.isnan(codes.reshape(len(codes), -1)).any(1)
    if bad.any():
        got = f"{named[bad].iloc[0]!r} ({bad.sum()} rows off the scale)"
        raise DataError(f"{path} predicts {got}; expected {scale.describe()}")
    if scale.categorical:
        codes = np.eye(scale.size)[codes]
    return table.assign(**dict(zip(answer_columns(scale), codes.reshape(len(codes), -1).T, strict=True)))


def _members(value: Any) -> list[Any]:
    """The levels of a set as tables give it: a list, or comma-separated text."""
    if isinstance(value, SETS):
        return list(value)
    return [] if pd.isna(value) else [name.strip() for name in str(value).split(",") if name.strip()]


def _numbers(answers: pd.DataFrame, columns: list[str], reference: Predictions, path: Path) -> np.ndarray:
    """The answers as float64 [pair, level]."""
    numbers = answers[columns].apply(pd.to_numeric, errors="coerce")
    words = answers[columns].notna() & numbers.isna()
    if words.any(axis=None):
        column = words.any().idxmax()
        got = answers[column][words[column]].iloc[0]
        raise DataError(f"{path} holds {got!r} in column {column}, where a number was expected")
    unanswered = numbers.isna().any(axis=1).to_numpy()
    if unanswered.any():
        example = reference.pairs.loc[unanswered, "item_id"].iloc[0]
        missing = f"{unanswered.sum()} of {len(answers)} pairs, for example item {example!r}"
        raise DataError(f"{path} has no answer for {missing}; all are needed")
    return numbers.to_numpy(np.float64)


def _check_range(values: np.ndarray, reference: Predictions, path: Path) -> None:
    scale = reference.scale
    if reference.kind == "rating":
        off = np.isnan(scale.encode(pd.Series(values[:, 0])))
        if off.any():
            got = f"the rating {values[off, 0][0]:g} ({off.sum()} off the scale)"
            raise DataError(f"{path} holds {got}; expected {scale.describe()}")
    elif ((values < 0) | (values > 1)).any():
        raise DataError(f"{path} holds probabilities outside 0 to 1; give probabilities, not logits or percentages")
    elif reference.kind == "categorical" and (gap := np.abs(values.sum(1) - 1)).max(initial=0) > ROUNDING:
        pair = reference.pairs.iloc[int(gap.argmax())]
        got = f"for item {pair['item_id']!r} they sum to {values[gap.argmax()].sum():.3f}"
        raise DataError(f"{path}: the probabilities of a pair must sum to 1; {got}")
