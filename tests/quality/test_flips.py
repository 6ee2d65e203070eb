"""Labels flipped on purpose, and the classifier that learns what they look like."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from weather import corpus

from perspectives.errors import ConfigError, DataError
from perspectives.quality.area_under_margin import area_under_margin
from perspectives.quality.dynamics import confidence, variability
from perspectives.quality.flips import flip_labels, noise_probability


@pytest.mark.parametrize("share", [0.0, 0.1, 1.0])
def test_exactly_the_share_is_flipped_to_every_other_level(share):
    annotations = corpus(400, levels="abc")
    rows = np.arange(200, 1200)
    made, flipped = flip_labels(annotations, rows, share, seed=0)
    changed = made.labels != annotations.labels
    assert flipped.sum() == round(share * 1000)
    assert np.flatnonzero(changed).tolist() == rows[flipped].tolist()
    if share == 1:
        counts = np.bincount((made.labels - annotations.labels)[changed] % 3, minlength=3)
        assert counts[1:] == pytest.approx([500, 500], abs=60)
    with pytest.raises(ConfigError, match=r"the share of labels to flip must be a number from 0 to 1; got 1.5"):
        flip_labels(annotations, rows, 1.5, 0)


def test_the_noise_classifier_learns_which_direction_is_suspect():
    random = np.random.default_rng(0)
    flipped = random.random(2000) < 0.1
    log_probability = -random.exponential(np.where(flipped, 1.5, 0.4), (6, 2000))
    margin = -log_probability - random.random((6, 2000))  # larger where it is flipped: the sign is learned
    features = np.column_stack([confidence(log_probability), variability(log_probability), area_under_margin(margin)])
    alone = noise_probability(features[:, :1], flipped)
    assert roc_auc_score(flipped, alone) == pytest.approx(roc_auc_score(flipped, -features[:, 0]), abs=0.01)
    assert roc_auc_score(flipped, noise_probability(features, flipped)) > 0.9
    assert alone[flipped].mean() > 0.5 > alone[~flipped].mean()
    noise_alone = noise_probability(random.random((2000, 3)), flipped)
    assert roc_auc_score(flipped, noise_alone) == pytest.approx(0.5, abs=0.07)  # out of fold: nothing is memorised
    with pytest.raises(DataError, match="leave out annotations that were never trained on"):
        noise_probability(np.full((9, 1), np.nan), flipped[:9])
    with pytest.raises(DataError, match="2 of 30 labels are flipped; 5 folds need at least 5 flipped and 5 others"):
        noise_probability(np.zeros((30, 1)), np.arange(30) < 2)
