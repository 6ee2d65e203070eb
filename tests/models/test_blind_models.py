"""The annotator-blind models: what they are trained on."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from model_cases import SCALES, build, corpus_on, whole_batch

from perspectives.data.annotations import AnnotationSet, Tables
from perspectives.data.scale import Scale
from perspectives.errors import ConfigError, DataError
from perspectives.models.majority import inferred_labels, majority_labels, official_codes

LEVELS = Scale("nominal", ("0", "1", "2"))


def voted(votes: dict[str, list], scale: Scale = LEVELS, **columns) -> AnnotationSet:
    """Items with these labels, each by another annotator."""
    rows = [(item, f"p{n}", label) for item, labels in votes.items() for n, label in enumerate(labels)]
    table = pd.DataFrame(rows, columns=["item_id", "annotator_id", "label"])
    items = pd.DataFrame({"item_id": list(votes), **columns})
    return AnnotationSet.from_tables(Tables(table, items, None, scale), "votes")


def labels_of(annotations: AnnotationSet, tie: str = "drop", seed: int = 0) -> dict:
    made = majority_labels(annotations, tie, seed)
    assert (made.annotations["annotator_id"] == "majority").all()
    assert made.items is annotations.items
    return dict(zip(made.annotations["item_id"], made.annotations["label"], strict=True))


def test_soft_label_loss_is_cross_entropy_with_the_label_distribution_weighted_by_raters():
    annotations = corpus_on(SCALES["nominal"])
    model = build("softlabel", annotations)
    batch = whole_batch(annotations, model.schema)
    content = model.encode(batch)
    logits = model.pairs(content, batch.annotators, batch.item_index, batch.annotator_index)
    got = model.objective.loss(logits, batch.label).sum()
    raters = torch.from_numpy(np.bincount(annotations.item_index))
    assert len(raters.unique()) > 1
    target = torch.from_numpy(annotations.soft_labels()).float()
    by_item = torch.nn.functional.cross_entropy(model.head(content), target, reduction="none")
    torch.testing.assert_close(got, (raters * by_item).sum())


VOTES = {"tied": ["0", "2"], "clear": ["1", "1", "0"], "alone": ["2"], "three ways": ["0", "1", "2"]}


@pytest.mark.parametrize(
    ("tie", "tied", "three_ways"),
    [("positive", "2", "2"), ("lowest", "0", "0"), ("official", "1", "0"), ("drop", None, None)],
)
def test_ties_are_decided_by_the_rule(tie, tied, three_ways):
    annotations = voted(VOTES, official_label=["1", "2", "0", "0"])
    expected = {"tied": tied, "clear": "1", "alone": "2", "three ways": three_ways}
    assert labels_of(annotations, tie) == {item: label for item, label in expected.items() if label}


def test_random_ties_are_drawn_by_the_seed_among_the_tied_only():
    annotations = voted({f"i{n}": ["0", "2"] if n % 2 else ["1", "1", "2"] for n in range(400)})
    drawn = labels_of(annotations, "random", seed=1)
    assert drawn == labels_of(annotations, "random", seed=1) != labels_of(annotations, "random", seed=2)
    ties = [drawn[f"i{n}"] for n in range(1, 400, 2)]
    assert set(ties) == {"0", "2"}
    assert 70 < ties.count("2") < 130
    assert all(drawn[f"i{n}"] == "1" for n in range(0, 400, 2))


def test_an_item_left_without_votes_is_left_out_but_keeps_its_place():
    annotations = voted(VOTES)
    kept = replace(annotations, annotations=annotations.annotations.iloc[2:6].reset_index(drop=True))
    made = majority_labels(kept, "lowest", 0)
    assert made.annotations["item_id"].tolist() == ["clear", "alone"]
    assert made.item_index.tolist() == [1, 2]
    assert made.labels.tolist() == [1, 2]


def test_sets_take_the_levels_of_more_than_half_and_ratings_the_median():
    sets = voted({"x": [("a",), ("a", "b"), ()], "y": [("b",), ()]}, Scale("multilabel", ("a", "b")))
    assert labels_of(sets) == {"x": ("a",), "y": ()}
    ratings = voted({"x": [0, 10, 4], "y": [3, 4]}, Scale("interval", low=0, high=10))
    assert labels_of(ratings) == {"x": 4.0, "y": 3.5}


def test_nothing_but_dropped_ties_leaves_an_empty_set():
    made = majority_labels(voted({"x": ["0", "1"]}), "drop", 0)
    assert (len(made), made.labels.tolist()) == (0, [])


def test_official_needs_published_labels():
    with pytest.raises(
        ConfigError, match=r"votes publishes no official label; choose model\.tie=random, positive, lowest"
    ):
        majority_labels(voted(VOTES), "official", 0)
    annotations = voted(VOTES, official_label=["1", None, "0", None])
    assert official_codes(annotations).tolist() == [1, -1, 0, -1]
    assert labels_of(annotations, "official") == {"tied": "1", "clear": "1", "alone": "2"}  # three ways: not published
    with pytest.raises(
        ConfigError, match=r"tie='coin' is unknown; choose one of random, positive, lowest, official, drop"
    ):
        majority_labels(annotations, "coin", 0)


def spammed() -> AnnotationSet:
    """Four people who know all, five who always say 0: most votes are wrong wherever the truth is not 0."""
    rows = [(f"i{n}", f"p{k}", str(n % 3) if k < 4 else "0") for n in range(30) for k in range(9)]
    table = pd.DataFrame(rows, columns=["item_id", "annotator_id", "label"])
    items = pd.DataFrame({"item_id": [*(f"i{n}" for n in range(30)), "unlabelled"]})
    return AnnotationSet.from_tables(Tables(table, items, None, LEVELS), "spammed")


@pytest.mark.parametrize(("method", "share"), [("mace", 1.0), ("dawid_skene", 1.0), ("majority", 1 / 3)])
def test_labels_can_be_inferred_instead_of_voted(method, share):
    annotations = spammed()
    made = inferred_labels(annotations, method, "lowest", 0)
    assert (made.annotations["annotator_id"] == "majority").all()
    assert made.items is annotations.items
    assert made.annotations["item_id"].tolist() == [f"i{n}" for n in range(30)]
    assert (made.labels == np.arange(30) % 3).mean() == pytest.approx(share)
    voted_labels = majority_labels(annotations, "lowest", 0).labels
    assert (method == "majority") == (made.labels == voted_labels).all()


def test_inferring_needs_levels():
    ratings = voted({"x": [0, 10, 4], "y": [3, 4]}, Scale("interval", low=0, high=10))
    with pytest.raises(DataError, match="votes has interval labels; truth inference on levels needs one level"):
        inferred_labels(ratings, "mace", "random", 0)
    with pytest.raises(DataError, match="kos needs labels on two levels; got 3"):
        inferred_labels(voted(VOTES), "kos", "random", 0)
