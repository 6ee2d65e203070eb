"""Predictions on every kind of scale, made up, for tests of what reads them."""

import numpy as np
import pandas as pd

from perspectives.data.scale import Scale
from perspectives.predictions import Predictions

SCALES = {
    "nominal": Scale("nominal", ("no", "yes")),
    "ordinal": Scale.integers(1, 5),
    "interval": Scale("interval", low=0, high=1),
    "multilabel": Scale("multilabel", ("a", "b", "c")),
}
ITEMS, PEOPLE = 6, 4


def made(kind: str, seed: int = 0, everyone: bool = True, first: int = 0, **about) -> Predictions:
    """Two pairs per item; the answers for the pairs are those of the whole grid."""
    rng, scale = np.random.default_rng(seed), SCALES[kind]
    grid = rng.random((ITEMS, PEOPLE, scale.size))
    if kind in ("nominal", "ordinal"):
        grid /= grid.sum(2, keepdims=True)
    grid = grid.astype(np.float32)
    item, who = np.repeat(np.arange(ITEMS), 2), np.tile([0, 1, 2, 3], 3)
    label_rng = np.random.default_rng(99)
    codes = {
        "interval": label_rng.random(len(item)).round(3),
        "multilabel": label_rng.random((len(item), 3)) < 0.5,
    }.get(kind, label_rng.integers(0, scale.size, len(item)))
    names = np.array([f"i{n + first}" for n in range(ITEMS)])
    people = pd.DataFrame({"annotator_id": [f"p{n}" for n in range(PEOPLE)], "age": [20.0, 30.0, np.nan, 50.0]})
    pairs = pd.DataFrame({"item_id": names[item], "annotator_id": people["annotator_id"].to_numpy()[who]})
    pairs = pairs.assign(label=scale.decode(codes), training_labels=who)
    items = pd.DataFrame({"item_id": names, "text": [f"remark {n}" for n in names]})
    return Predictions(scale, pairs, grid[item, who], items, people, grid if everyone else None, {"seed": seed} | about)
