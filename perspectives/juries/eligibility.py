"""Who is eligible to judge which items, as blocks of items that the same people may judge."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from perspectives.data.validation import UNKNOWN
from perspectives.errors import ConfigError
from perspectives.juries.compositions import item_values, value_names
from perspectives.juries.verdicts import Verdicts
from perspectives.predictions import Predictions


class ItemBlock(NamedTuple):
    """Items judged by the same people.

    name: of their common value, such as `language=it`; '' for all items. items: their rows, int64 [row], ascending.
    people: bool [annotator], who is eligible.
    """

    name: str
    items: np.ndarray
    people: np.ndarray

    def answers(self, predictions: Predictions) -> np.ndarray:
        """Everyone's predicted answers about its items, [row, annotator, level]; not copied when it has all items."""
        everything = predictions.answers()
        return everything if len(self.items) == len(everything) else everything[self.items]


def item_blocks(predictions: Predictions, same: str | None = None, min_training_labels: int = 0) -> list[ItemBlock]:
    """The items in blocks, with who is eligible for each.

    same: an item attribute, such as `language`: people judge items that share their own attribute of that name (nobody
    judges those whose value is unknown) or, where people have no such attribute, items like those they labelled.
    min_training_labels: how many labels of a person the model must have seen in every fold; people who labelled none of
    the judged items count as never seen.

    Raises ConfigError for an unknown item attribute, and when nobody is eligible at all.
    """
    trained = _training_labels(predictions) >= min_training_labels
    if not trained.any():
        most = int(_training_labels(predictions).max())
        raise ConfigError(
            f"min_training_labels={min_training_labels}: nobody has so many training labels; give {most} or less"
        )
    if same is None:
        return [ItemBlock("", np.arange(len(predictions.items)), trained)]
    blocks = [ItemBlock(f"{same}={value}", rows, who & trained) for value, rows, who in _sharing(predictions, same)]
    if not any(block.people.any() for block in blocks):
        raise ConfigError(f"eligible={same}: no annotator shares the {same} of any item; use another item attribute")
    return blocks


def by_block(
    blocks: Sequence[ItemBlock], items: int, compositions: int, judge: Callable[[ItemBlock], Verdicts]
) -> Verdicts:
    """The verdicts of `judge` on all blocks, [item, composition].

    With several blocks, those that `judge` refuses with a ConfigError, because pools are empty or too small, have nan;
    raises the first ConfigError when all are refused.
    """
    positive, negative = np.full((2, items, compositions), np.nan)
    error = None
    refusals = []
    for block in blocks:
        try:
            judged = judge(block)
        except ConfigError as refusal:
            if len(blocks) == 1:
                raise
            refusals.append(f"{block.name}: {refusal}")
            continue
        positive[block.items], negative[block.items] = judged.positive, judged.negative
        if judged.error is not None:
            error = np.full((items, compositions), np.nan) if error is None else error
            error[block.items] = judged.error
    if len(refusals) == len(blocks):
        raise ConfigError(refusals[0])
    return Verdicts(positive, negative, error)


def _training_labels(predictions: Predictions) -> np.ndarray:
    """Training labels of each person in the fold with fewest of them, 0 for people without pairs, int64 [annotator]."""
    fewest = predictions.pairs.groupby("annotator_id")["training_labels"].min()
    return fewest.reindex(predictions.annotators["annotator_id"]).fillna(0).to_numpy(np.int64)


def _sharing(predictions: Predictions, same: str) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """For each value of the item attribute: the value, rows of its items, and who is eligible, bool [annotator]."""
    values = item_values(predictions.items, same)
    own = value_names(predictions.annotators[same]) if same in predictions.annotators else None
    judged = values.to_numpy()[predictions.item_index]
    for value in pd.unique(values):
        rows = np.flatnonzero(values == value)
        if own is not None:
            yield value, rows, (own == value).to_numpy() & (value != UNKNOWN)
        else:
            labelled = np.zeros(len(predictions.annotators), bool)
            labelled[predictions.annotator_index[judged == value]] = True
            yield value, rows, labelled
