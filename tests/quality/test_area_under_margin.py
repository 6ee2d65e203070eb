"""Margins against threshold samples, on planted noise."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from weather import config, corpus

from perspectives.config import instantiate
from perspectives.data.annotations import AnnotationSet, Tables
from perspectives.data.scale import Scale
from perspectives.errors import ConfigError, DataError
from perspectives.quality.area_under_margin import margin_threshold, margins, threshold_samples
from perspectives.quality.flips import flip_labels

NAN = float("nan")


def test_margins_find_planted_flips_below_the_threshold(tmp_path):
    clean = corpus()
    annotations, flipped = flip_labels(clean, np.arange(len(clean)), 0.15, seed=3)
    found = margins(config(tmp_path, "trainer.max_epochs=4"), annotations, tmp_path)
    wrong = flipped[instantiate(config(tmp_path).split, annotations=annotations).rows("train")]
    assert len(found.aum) == len(wrong) == 72 * 3
    assert roc_auc_score(wrong, -found.aum) > 0.9
    assert found.suspect.tolist() == (found.excess <= 0).tolist()
    assert found.suspect[wrong].mean() > 0.95
    assert found.suspect[~wrong].mean() < 0.5  # many: the best percent of a few dozen samples was learned by heart
    with pytest.raises(ConfigError, match="model=majority learns from item labels; give majority_labels"):
        margins(config(tmp_path, "model=majority"), annotations, tmp_path)


def test_threshold_samples_are_two_disjoint_sets_of_their_share():
    annotations = corpus(100, levels="abc")
    rows = np.arange(30, 300)
    (first, moved), (second, others) = threshold_samples(annotations, rows, seed=1)
    assert moved.sum() == others.sum() == 270 // 4
    assert not (moved & others).any()
    for made, chosen in ((first, moved), (second, others)):
        assert made.scale.levels == ("a", "b", "c", "threshold sample")
        changed = made.annotations["label"].to_numpy() != annotations.annotations["label"].to_numpy()
        assert np.flatnonzero(changed).tolist() == rows[chosen].tolist()
        assert set(made.annotations["label"][changed]) == {"threshold sample"}
    again = threshold_samples(annotations, rows, seed=1)[0][1]
    assert (again == moved).all()
    assert (threshold_samples(annotations, rows, seed=2)[0][1] != moved).any()


def test_ratings_have_no_threshold_samples():
    labelled = corpus(10)
    rated = labelled.annotations.assign(label=0.5)
    ratings = AnnotationSet.from_tables(Tables(rated, labelled.items, None, Scale("interval", low=0, high=1)), "rated")
    with pytest.raises(DataError, match="rated has interval labels; noise is looked for in labels of one level"):
        threshold_samples(ratings, np.arange(5), 0)


def test_the_threshold_is_the_percentile_of_samples_known_to_be_wrong():
    aum = np.concatenate([np.arange(101) / 10, [99.0, NAN]])
    known = np.arange(103) <= 100
    known[-1] = True  # never visited
    assert margin_threshold(aum, known) == pytest.approx(9.9)
    assert margin_threshold(aum, known, 50) == pytest.approx(5.0)
    with pytest.raises(DataError, match="no threshold sample was visited in training"):
        margin_threshold(aum, np.zeros(103, bool))
