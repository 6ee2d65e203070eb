"""Baselines without a model, which every trained method has to beat, and oracles that know the item's votes.

Pure functions without torch. Fitted to train annotations only; the oracles use the annotations of the judged items and
show what an annotator-blind method could reach at best.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from perspectives.data.annotations import AnnotationSet, annotation_columns
from perspectives.data.schema import Schema
from perspectives.data.splits import Split
from perspectives.metrics.soft import median_soft_label
from perspectives.predictions import Predictions
from perspectives.quality.aggregation.majority import majority_vote

PSEUDO_ANNOTATIONS = 1.0  # weight of the class prior in an annotator's own distribution

Answer = tuple[np.ndarray, np.ndarray | None]  # values [pair, level], everyone [1, annotator | 1, level] or None
Method = Callable[[AnnotationSet, AnnotationSet, AnnotationSet], Answer]  # of train, judged and all annotations


def priors(annotations: AnnotationSet, split: Split, part: str) -> dict[str, Predictions]:
    """Predictions of every prior for the pairs of one part of the split, by name.

    Levels: `most_frequent` (always the level most annotations have), `class_prior` (their distribution),
    `annotator_mode` and `annotator_prior` (the same per annotator; class prior for unseen people),
    `train_mean` and `train_median` (mean and median soft label of the train items), `oracle_majority` and
    `oracle_others` (majority of the judged item's annotations with and without the annotator's own; ties go to the
    highest level). Sets of levels: the same per level. Ratings, over annotations: `train_mean`, `train_median`,
    `annotator_mean`, `annotator_median`, `oracle_mean` and `oracle_others`.
    """
    train, judged = annotations.select(split.rows("train")), annotations.select(split.rows(part))
    methods = RATING_PRIORS if annotations.scale.kind == "interval" else LEVEL_PRIORS
    schema = Schema.of(train)
    seen = schema.counts[schema.codes(judged.annotations["annotator_id"])]
    columns = annotation_columns(judged.annotations)
    pairs = judged.annotations[columns].assign(training_labels=seen)
    predictions = {}
    for name, method in methods.items():
        values, everyone = method(train, judged, annotations)
        about: dict[str, Any] = {"method": name, "oracle": name.startswith("oracle")}
        everyone = None if everyone is None else everyone.astype(np.float32)
        predictions[name] = Predictions(
            annotations.scale, pairs, values.astype(np.float32), judged.items, annotations.annotators, everyone, about
        )
    return predictions


# Levels. -----------------------------------------------------------------------------------------------------------


def _hard(votes: np.ndarray, kind: str) -> np.ndarray:
    """Most frequent level as one-hot rows [row, level], ties to the highest; for sets, levels with at least half."""
    if kind == "multilabel":
        return (votes >= 0.5).astype(float)
    return np.eye(votes.shape[-1])[majority_vote(votes, tie="positive")]


def _most_frequent(train: AnnotationSet, judged: AnnotationSet, everyone: AnnotationSet) -> Answer:
    return _constant(_hard(train.indicator().mean(0, keepdims=True), train.scale.kind)[0], judged)


def _class_prior(train: AnnotationSet, judged: AnnotationSet, everyone: AnnotationSet) -> Answer:
    return _constant(train.indicator().mean(0), judged)


def _train_mean(train: AnnotationSet, judged: AnnotationSet, everyone: AnnotationSet) -> Answer:
    return _constant(train.soft_labels().mean(0), judged)


def _train_median(train: AnnotationSet, judged: AnnotationSet, everyone: AnnotationSet) -> Answer:
    soft = train.soft_labels()
    return _constant(np.median(soft, 0) if train.scale.kind == "multilabel" else median_soft_label(soft), judged)


def _annotator_prior(train: AnnotationSet, judged: AnnotationSet, everyone: AnnotationSet) -> Answer:
    own, count = _by_annotator(train, everyone, train.indicator())
    prior = train.indicator().mean(0)
    table = (own + PSEUDO_ANNOTATIONS * prior) / (count[:, None] + PSEUDO_ANNOTATIONS)
    return _per_annotator(table, judged, everyone)


def _annotator_mode(train: AnnotationSet, judged: AnnotationSet, everyone: AnnotationSet) -> Answer:
    own, count = _by_annotator(train, everyone, train.indicator())
    prior = train.indicator().mean(0, keepdims=True)
    votes = np.where(count[:, None] > 0, own / np.maximum(count, 1)[:, None], prior)
    return _per_annotator(_hard(votes, train.scale.kind), judged, everyone)


def _oracle_majority(train: AnnotationSet, judged: AnnotationSet, everyone: AnnotationSet) -> Answer:
    return _hard(judged.soft_labels(), judged.scale.kind)[judged.item_index], None


def _oracle_others(train: AnnotationSet, judged: AnnotationSet, everyone: AnnotationSet) -> Answer:
    return _hard(_mean_of_others(judged.indicator(), judged, train.indicator().mean(0)), judged.scale.kind), None


# Ratings. ----------------------------------------------------------------------------------------------------------


def _rating(statistic: Callable[..., Any]) -> Method:
    return lambda train, judged, everyone: _constant(np.array([statistic(train.labels)]), judged)


def _annotator_rating(statistic: str) -> Method:
    def method(train: AnnotationSet, judged: AnnotationSet, everyone: AnnotationSet) -> Answer:
        by_annotator = train.annotations.groupby("annotator_id")["label"].agg(statistic)
        fallback = float(getattr(np, statistic)(train.labels))
        table = everyone.annotators["annotator_id"].map(by_annotator).fillna(fallback).to_numpy(float)
        return _per_annotator(table[:, None], judged, everyone)

    return method


def _oracle_mean(train: AnnotationSet, judged: AnnotationSet, everyone: AnnotationSet) -> Answer:
    return judged.soft_labels()[judged.item_index], None


def _oracle_mean_others(train: AnnotationSet, judged: AnnotationSet, everyone: AnnotationSet) -> Answer:
    return _mean_of_others(judged.labels[:, None], judged, train.labels.mean(keepdims=True)), None


def _mean_of_others(values: np.ndarray, judged: AnnotationSet, fallback: np.ndarray) -> np.ndarray:
    """Mean of `values` [annotation, …] over the annotations of the same item by other people; `fallback` without any.

    All of a person's annotations of an item count as their own, in any round.
    """
    item, person = judged.item_index, judged.annotator_index
    _, pair = np.unique(np.stack([item, person]), axis=1, return_inverse=True)

    def by_others(x: np.ndarray) -> np.ndarray:
        total, own = np.zeros((len(x), *x.shape[1:])), np.zeros((len(x), *x.shape[1:]))
        np.add.at(total, item, x)
        np.add.at(own, pair, x)
        return total[item] - own[pair]

    count = by_others(np.ones(len(values)))[:, None]
    return np.where(count > 0, by_others(values.astype(float)) / np.maximum(count, 1), fallback)


# Shapes. -----------------------------------------------------------------------------------------------------------


def _constant(answer: np.ndarray, judged: AnnotationSet) -> Answer:
    return np.tile(answer, (len(judged), 1)), answer[None, None]


def _per_annotator(table: np.ndarray, judged: AnnotationSet, everyone: AnnotationSet) -> Answer:
    """Answers looked up by annotator. table: [annotator of the whole corpus, level]."""
    return table[_rows(judged, everyone)], table[None]


def _rows(part: AnnotationSet, everyone: AnnotationSet) -> np.ndarray:
    """Row of each annotation's annotator in the whole corpus, int64 [annotation]."""
    return pd.Index(everyone.annotators["annotator_id"]).get_indexer(part.annotations["annotator_id"])


def _by_annotator(
    train: AnnotationSet, everyone: AnnotationSet, indicator: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Label counts [annotator of the whole corpus, level] and annotations [annotator] in train."""
    rows = _rows(train, everyone)
    own = np.zeros((len(everyone.annotators), indicator.shape[1]))
    np.add.at(own, rows, indicator)
    return own, np.bincount(rows, minlength=len(own))


LEVEL_PRIORS: dict[str, Method] = {
    "most_frequent": _most_frequent,
    "class_prior": _class_prior,
    "annotator_mode": _annotator_mode,
    "annotator_prior": _annotator_prior,
    "train_mean": _train_mean,
    "train_median": _train_median,
    "oracle_majority": _oracle_majority,
    "oracle_others": _oracle_others,
}
RATING_PRIORS: dict[str, Method] = {
    "train_mean": _rating(np.mean),
    "train_median": _rating(np.median),
    "annotator_mean": _annotator_rating("mean"),
    "annotator_median": _annotator_rating("median"),
    "oracle_mean": _oracle_mean,
    "oracle_others": _oracle_mean_others,
}
