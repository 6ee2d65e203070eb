"""The baseline: one head trained on one label per item, so that the model sees no disagreement."""

from dataclasses import replace

import numpy as np
import pandas as pd

from perspectives.data.annotations import AnnotationSet
from perspectives.errors import ConfigError
from perspectives.models.softlabel import SoftLabel
from perspectives.quality.aggregation.incidence import Incidence
from perspectives.quality.aggregation.majority import majority_vote
from perspectives.quality.aggregation.methods import METHODS

MAJORITY_ID = "majority"


class Majority(SoftLabel):
    """The annotator-blind model of `softlabel`, trained on one label per item instead of all labels."""


def majority_labels(annotations: AnnotationSet, tie: str, seed: int) -> AnnotationSet:
    """One annotation per item, by an annotator called `majority`; the items table stays whole.

    Levels: the level with the most votes, ties by `tie` (random, positive, lowest, official, drop). Sets of levels: the
    levels more than half of the raters chose. Ratings: the median. The last two have no ties.

    Raises ConfigError when tie=official but items have no official label.
    """
    kind = annotations.scale.kind
    if kind == "interval":
        medians = annotations.annotations.groupby("item_id", sort=False)["label"].median()
        labels = medians.reindex(annotations.items["item_id"]).to_numpy(float)
        kept = ~np.isnan(labels)
    elif kind == "multilabel":
        soft = annotations.soft_labels()
        labels, kept = (soft > 0.5).astype(np.float32), ~np.isnan(soft[:, 0])
    else:
        official = official_codes(annotations) if tie == "official" else None
        labels = majority_vote(annotations.soft_labels(), tie, official, seed)
        kept = labels >= 0
    return _one_per_item(annotations, labels, kept)


def inferred_labels(annotations: AnnotationSet, method: str, tie: str, seed: int) -> AnnotationSet:
    """One annotation per item, its most probable level by a method of truth inference (`quality.aggregation.methods`)
    fitted to these annotations alone; in the form of `majority_labels`.

    seed: for random ties. Raises ConfigError when tie=official but items have no official label, DataError for scales
    without levels and for methods that cannot use this one.
    """
    incidence = Incidence.of(annotations, duplicates="keep")  # the annotations may hold duplicates or rounds
    official = official_codes(annotations) if tie == "official" else None
    labels = majority_vote(METHODS[method](incidence).posterior, tie, official, seed)
    return _one_per_item(annotations, labels, labels >= 0)


def _one_per_item(annotations: AnnotationSet, labels: np.ndarray, kept: np.ndarray) -> AnnotationSet:
    table = pd.DataFrame({"item_id": annotations.items["item_id"][kept].to_numpy(), "annotator_id": MAJORITY_ID})
    table["label"] = annotations.scale.decode(labels[kept])
    annotators = pd.DataFrame({"annotator_id": [MAJORITY_ID]})
    return replace(annotations, annotations=table, annotators=annotators)


def official_codes(annotations: AnnotationSet) -> np.ndarray:
    """Published label of each item as level position, int64 [item], -1 if it has none.

    Raises ConfigError when the corpus publishes none.
    """
    if "official_label" not in annotations.items:
        raise ConfigError(
            f"{annotations.name} publishes no official label; choose model.tie=random, positive, lowest or drop"
        )
    return annotations.scale.encode(annotations.items["official_label"])
