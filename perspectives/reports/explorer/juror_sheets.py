"""What a juror's sheet may show: attributes that enough people share, how well they are predicted, nearby texts."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from perspectives.data.validation import UNKNOWN
from perspectives.juries.compositions import quoted
from perspectives.metrics.groups import SMALLEST_GROUP, Membership, membership
from perspectives.predictions import Predictions

NOT_KNOWN, SUPPRESSED = 254, 255  # codes of people without a value that may be shown
NEAREST = 40  # texts


@dataclass(frozen=True, eq=False)
class ShownAttribute:
    """An attribute of annotators as it may be shown.

    values: those of 5 people or more; for numbers, ranges between quartiles, lowest first. pools: each value in the
    grammar of compositions. code: uint8 [annotator], the position in values; NOT_KNOWN, or SUPPRESSED for a value of
    fewer people.
    """

    name: str
    values: tuple[str, ...]
    pools: tuple[str, ...]
    code: np.ndarray


def attributes(annotators: pd.DataFrame, unknown: bool = False, smallest: int = SMALLEST_GROUP) -> list[ShownAttribute]:
    """The attributes of annotators with at least one value that `smallest` people share.

    annotators: one row per annotator, `annotator_id` and a column per attribute. unknown: whether an unknown value is a
    value as well, the last one.
    """
    columns = [annotators[name] for name in annotators.columns if name != "annotator_id"]
    shown = [_attribute(column, unknown, smallest) for column in columns]
    return [attribute for attribute in shown if attribute.values]


def _attribute(column: pd.Series, unknown: bool, smallest: int) -> ShownAttribute:
    groups = membership(column, unknown=True)
    people = np.bincount(groups.code, minlength=len(groups.names))
    missing = (column.isna() | (column.astype(object) == UNKNOWN)).any()
    last = len(groups.names) - 1 if missing else len(groups.names)  # where `unknown` stands
    kept = [code for code in range(len(groups.names)) if people[code] >= smallest and (unknown or code != last)]
    new = np.full(len(groups.names) + 1, SUPPRESSED, np.uint8)
    if missing and people[last] >= smallest:
        new[last] = NOT_KNOWN
    new[kept] = np.arange(len(kept))
    values = tuple(groups.names[code] for code in kept)
    pools = tuple(_pool(column, groups, code) for code in kept)
    return ShownAttribute(str(column.name), values, pools, new[groups.code])


def _pool(column: pd.Series, groups: Membership, code: int) -> str:
    if groups.edges is None or groups.names[code] == UNKNOWN:
        return f"{column.name}={quoted(groups.names[code])}"
    low, high = groups.edges[:code][-1:], groups.edges[code : code + 1]  # all digits: names have six
    ends = [
        (sign, np.format_float_positional(end, trim="-")) for sign, one in ((">", low), ("<=", high)) for end in one
    ]
    return " & ".join(f"{column.name}{sign}{end}" for sign, end in ends)


def agreement(predictions: Predictions) -> tuple[np.ndarray, np.ndarray]:
    """How well each person's own labels are predicted: mean float64 [annotator], and their number int64 [annotator].

    The mean is the share of labels predicted correctly (sets: as a whole), for ratings the mean absolute error; nan
    for people without labels.
    """
    observed, predicted = predictions.observed, predictions.labels()
    if predictions.kind == "multiple":
        score = (observed == predicted).all(1).astype(float)
    else:
        score = np.abs(observed - predicted) if predictions.kind == "rating" else (observed == predicted).astype(float)
    people = len(predictions.annotators)
    count = np.bincount(predictions.annotator_index, minlength=people)
    total = np.bincount(predictions.annotator_index, score, minlength=people)
    return np.divide(total, count, out=np.full(people, np.nan), where=count > 0), count


def nearest(vectors: np.ndarray, count: int = NEAREST) -> np.ndarray:
    """The other items most similar to each item by cosine, the closest first, int64 [item, near].

    vectors: content vectors, float [item, hidden]. near: `count`, or all others where there are fewer.
    """
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.finfo(float).tiny)
    similarity = unit @ unit.T
    np.fill_diagonal(similarity, -np.inf)
    return np.argsort(-similarity, axis=1, kind="stable")[:, : min(count, len(vectors) - 1)]
