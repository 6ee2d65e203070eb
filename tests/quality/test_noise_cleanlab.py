"""Confident learning and CROWDLAB through cleanlab, on planted noise."""

import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from perspectives.data.annotations import AnnotationSet, Tables
from perspectives.data.scale import Scale
from perspectives.errors import ConfigError, DataError
from perspectives.quality.confident_learning import confident_learning, crowdlab


@pytest.fixture(scope="module")
def planted():
    """500 items by 4 of 10 people; everyone gives the true level except where a label was flipped."""
    random = np.random.default_rng(0)
    truth = random.integers(0, 3, 500)
    item = np.repeat(np.arange(500), 4)
    people = np.concatenate([random.permutation(10)[:4] for _ in range(500)])
    flipped = random.random(2000) < 0.1
    label = np.where(flipped, (truth[item] + random.integers(1, 3, 2000)) % 3, truth[item])
    table = pd.DataFrame({"item_id": item, "annotator_id": people, "label": np.array(list("abc"))[label]})
    made = Tables(table, pd.DataFrame({"item_id": range(500)}), None, Scale("nominal", ("a", "b", "c")))
    noise = random.dirichlet([1, 1, 1], 500)
    return AnnotationSet.from_tables(made, "planted"), flipped, 0.5 * np.eye(3)[truth] + 0.5 * noise


def test_confident_learning_finds_planted_flips(planted):
    pytest.importorskip("cleanlab")
    annotations, flipped, chance = planted
    suspect, quality = confident_learning(annotations.labels, chance[annotations.item_index].astype(np.float32))
    assert suspect.dtype == bool
    assert roc_auc_score(flipped, -quality) > 0.9
    assert flipped[suspect].mean() > 0.8
    assert suspect[flipped].mean() > 0.6


def test_crowdlab_uses_the_other_raters_whatever_the_order_of_rows(planted):
    pytest.importorskip("cleanlab")
    annotations, flipped, chance = planted
    quality = crowdlab(annotations, chance)
    assert roc_auc_score(flipped, -quality) > 0.97
    order = np.random.default_rng(1).permutation(len(annotations))
    moved = AnnotationSet(annotations.annotations.iloc[order].reset_index(drop=True), annotations.items,
                          annotations.annotators, annotations.scale)  # fmt: skip
    assert crowdlab(moved, chance) == pytest.approx(quality[order])


def test_what_crowdlab_cannot_hold_is_refused(planted, monkeypatch):
    pytest.importorskip("cleanlab")
    annotations, _, chance = planted
    twice = AnnotationSet(pd.concat([annotations.annotations, annotations.annotations[:1]]), annotations.items,
                          annotations.annotators, annotations.scale, "twice")  # fmt: skip
    with pytest.raises(DataError, match="twice has people who labelled an item twice"):
        crowdlab(twice, chance)
    monkeypatch.setattr("perspectives.quality.confident_learning.LARGEST_TABLE", 4999)
    with pytest.raises(DataError, match="CROWDLAB needs a table of 500 × 10 cells; select fewer"):
        crowdlab(annotations, chance)


def test_without_cleanlab_the_remedy_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "cleanlab", None)
    with pytest.raises(ConfigError, match=r"need cleanlab; pip install 'perspectives\[cleanlab\]'"):
        confident_learning(np.zeros(2, int), np.full((2, 2), 0.5))
