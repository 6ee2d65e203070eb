"""What tests of the audit share: invented annotations of every scale, and a model's answers to them."""

import numpy as np
import pandas as pd

from perspectives.data.annotations import AnnotationSet, Tables
from perspectives.data.scale import Scale
from perspectives.predictions import Predictions

SCALES = {
    "nominal": Scale("nominal", ("no", "perhaps", "yes")),
    "ordinal": Scale.integers(1, 4),
    "interval": Scale("interval", low=0, high=10),
    "multilabel": Scale("multilabel", ("a", "b", "c")),
}


def annotations(
    kind: str = "nominal", count: int = 40, team: int = 30, raters: int = 6, seed: int = 0, careless: int = 0
):
    """People who mostly say what the item deserves; the first `careless` answer at random, never calling it so."""
    rng, scale = np.random.default_rng(seed), SCALES[kind]
    item = np.repeat(np.arange(count), raters)
    who = np.concatenate([rng.choice(team, raters, replace=False) for _ in range(count)])
    deserved = rng.random(count)[item] + rng.normal(0, 0.15, len(item))
    given = np.clip(np.where(who < careless, rng.random(len(item)), deserved), 0, 0.999)
    if kind == "interval":
        labels = pd.Series(np.round(10 * given, 1))
    elif kind == "multilabel":
        labels = scale.decode((given[:, None] > np.array([0.2, 0.5, 0.8])).astype(int))
    else:
        labels = scale.decode((given * scale.size).astype(int))
    table = pd.DataFrame({"item_id": [f"i{n}" for n in item], "annotator_id": [f"worker-{n}" for n in who]})
    table["label"] = labels
    texts = pd.DataFrame({"item_id": [f"i{n}" for n in range(count)], "text": [f"remark {n}" for n in range(count)]})
    texts["domain"] = np.where(np.arange(count) % 2, "tea", "rain")
    attributes = pd.DataFrame({"annotator_id": [f"worker-{n}" for n in range(team)]})
    attributes["gender"] = np.resize(["Woman"] * 12 + ["Man"] * 11 + ["Rare"] * 2 + ["unknown"] * 5, team)
    return AnnotationSet.from_tables(Tables(table, texts, attributes, scale), "invented")


def predicted(made: AnnotationSet, seed: int = 0) -> Predictions:
    """Everyone's answers of a model that knows the items fairly well."""
    rng = np.random.default_rng(seed)
    count, team, size = len(made.items), len(made.annotators), made.scale.size
    logits = 2 * np.log(made.soft_labels() + 0.1)[:, None] + rng.normal(0, 0.3, (count, team, size))
    everyone = (np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)).astype(np.float32)
    pairs = made.annotations[["item_id", "annotator_id", "label"]].assign(training_labels=5)
    values = everyone[made.item_index, made.annotator_index]
    return Predictions(made.scale, pairs, values, made.items, made.annotators, everyone, {"method": "jury"})
