"""Who may judge what: items that the same people may judge, together."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd

from perspectives.data.scale import level_name
from perspectives.errors import ConfigError
from perspectives.predictions import Predictions


class Docket(NamedTuple):
    """Items judged by the same people. name: of their common value, '' for all items. items: int64 [row].
    people: bool [annotator], who is eligible."""

    name: str
    items: np.ndarray
    people: np.ndarray


def dockets(predictions: Predictions, same: str | None = None, min_training_labels: int = 0) -> list[Docket]:
    """Items with who is eligible for them.

    same: an item attribute, such as `language`: people judge items that share their own attribute of that name or,
    where people have none, items like those they labelled. min_training_labels: what the model must have seen of a
    person in every fold; people who labelled no item here count as never seen.

    Raises ConfigError for an unknown item attribute, and when nobody is eligible at all.
    """
    trained = _training_labels(predictions) >= min_training_labels
    if not trained.any():
        most = int(_training_labels(predictions).max())
        raise ConfigError(f"nobody has {min_training_labels} training labels; the most of one person are {most}")
    if same is None:
        return [Docket("", np.arange(len(predictions.items)), trained)]
    if same not in predictions.items:
        available = [str(c) for c in predictions.items if c not in ("item_id", "text", "text_pair")]
        raise ConfigError(
            f"items have no attribute {same!r}; choose from {', '.join(available) or 'none: there are no'}"
        )
    found = [Docket(f"{same}={value}", rows, who & trained) for value, rows, who in _sharing(predictions, same)]
    if not any(docket.people.any() for docket in found):
        raise ConfigError(f"eligible={same}: no annotator shares the {same} of any item")
    return found


def _training_labels(predictions: Predictions) -> np.ndarray:
    """Fewest over folds, 0 for people without pairs, int64 [annotator]."""
    fewest = predictions.pairs.groupby("annotator_id")["training_labels"].min()
    return fewest.reindex(predictions.annotators["annotator_id"]).fillna(0).to_numpy(np.int64)


def _sharing(predictions: Predictions, same: str) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    values = predictions.items[same].map(level_name)
    own = predictions.annotators[same].map(level_name) if same in predictions.annotators else None
    judged = values.to_numpy()[predictions.item_index]
    for value in pd.unique(values):
        rows = np.flatnonzero(values == value)
        if own is not None:
            yield value, rows, (own == value).to_numpy(bool)
        else:
            labelled = np.zeros(len(predictions.annotators), bool)
            labelled[predictions.annotator_index[judged == value]] = True
            yield value, rows, labelled
