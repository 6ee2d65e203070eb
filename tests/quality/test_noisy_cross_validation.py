"""Noisy cross-validation, on planted noise and against its rules written out in loops."""

from itertools import pairwise

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from weather import config, corpus

from perspectives.data.annotations import AnnotationSet, Tables
from perspectives.data.scale import Scale
from perspectives.errors import ConfigError, DataError
from perspectives.models.majority import majority_labels
from perspectives.predictions import Predictions
from perspectives.quality import noisy_cross_validation
from perspectives.quality.flips import flip_labels
from perspectives.quality.noisy_cross_validation import incv, ncv, noise_rate

# Planted noise. ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def planted():
    clean = corpus()
    return flip_labels(clean, np.arange(len(clean)), 0.15, seed=3)


def test_planted_flips_are_held_out_surprises(planted, tmp_path):
    annotations, flipped = planted
    found = ncv(config(tmp_path), annotations, tmp_path)
    assert roc_auc_score(flipped, found.surprise) > 0.97
    assert flipped[found.status == "selected"].mean() < 0.02
    assert set(found.status) == {"selected", "candidate"}
    # The estimate is for models that memorise; this one says what is true, as 1 - ε of the labels do.
    assert found.noise_rate == pytest.approx(noise_rate(1 - 0.15, 2), abs=0.02)


def test_iterating_selects_more_and_removes_flips(planted, tmp_path):
    annotations, flipped = planted
    found = incv(config(tmp_path), annotations, tmp_path, iterations=2)
    assert roc_auc_score(flipped, found.suspicion()) > 0.97
    assert flipped[found.status == "removed"].mean() > 0.9
    assert (found.iteration == 0).tolist() == (found.status == "candidate").tolist()
    before = sorted(path.stat().st_mtime_ns for path in tmp_path.glob("runs/*/*/metrics.json"))
    again = incv(config(tmp_path), annotations, tmp_path, iterations=2)
    assert again.surprise.tobytes() == found.surprise.tobytes()
    assert sorted(path.stat().st_mtime_ns for path in tmp_path.glob("runs/*/*/metrics.json")) == before  # all skipped
    assert len(before) == 4


def test_labels_of_items_and_annotator_models_are_judged_too(planted, tmp_path):
    annotations, flipped = planted
    by_item = majority_labels(annotations, "random", 0)
    judged = ncv(config(tmp_path), by_item, tmp_path)
    assert len(judged.status) == 120
    people = ncv(config(tmp_path, "model=multitask_shared"), annotations, tmp_path)
    assert roc_auc_score(flipped, people.surprise) > 0.95


# The rules of the algorithm. ---------------------------------------------------------------------------------------


class Answering:
    """Stands for training: answers by a fixed table, and notes what it was asked."""

    def __init__(self, annotations, chance):
        self.annotations, self.chance, self.asked = annotations, chance, []

    def __call__(self, config, annotations, train, test, folder, seed):
        self.asked.append((train, test))
        pairs = annotations.annotations[test][["item_id", "annotator_id", "label"]].assign(training_labels=1)
        shown = annotations.select(test)
        return Predictions(annotations.scale, pairs.reset_index(drop=True), self.chance[test], shown.items,
                           shown.annotators)  # fmt: skip


@pytest.fixture
def answering(monkeypatch):
    annotations = corpus(60)
    second = np.random.default_rng(0).random(len(annotations))
    stand_in = Answering(annotations, np.column_stack([1 - second, second]).astype(np.float32))
    monkeypatch.setattr(noisy_cross_validation, "_held_out", stand_in)
    return stand_in


def test_no_text_is_on_both_sides_and_each_candidate_is_judged_once(answering):
    found = incv(None, answering.annotations, "", iterations=3, seed=5)
    item = answering.annotations.item_index
    assert len(answering.asked) == 6
    for number, ((train, test), (other, second)) in enumerate(
        zip(answering.asked[::2], answering.asked[1::2], strict=True)
    ):
        candidates = (found.iteration == 0) | (found.iteration > number)
        removed = (found.status == "removed") & (found.iteration <= number)
        assert not (test & second).any()
        assert ((test | second) == candidates).all()
        for trained, judged in ((train, test), (other, second)):
            assert not np.isin(item[trained], item[judged]).any()
            assert not (trained & removed).any()
            # Everything else is trained on: the other half, and texts without candidates.
            assert (trained | removed | np.isin(item, item[judged])).all()
        assert abs(len(np.unique(item[test])) - len(np.unique(item[second]))) <= 1


def test_selected_are_predicted_labels_and_removed_the_most_surprising_others(answering):
    annotations = answering.annotations
    found = incv(None, annotations, "", iterations=1, removed=0.5, seed=5)
    predicted = answering.chance.argmax(1) == annotations.labels
    assert ((found.status == "selected") == predicted).all()
    own = answering.chance[np.arange(len(annotations)), annotations.labels]
    assert found.surprise == pytest.approx(-np.log(own), rel=1e-5)
    for _, test in answering.asked:
        removed = test & (found.status == "removed")
        left = test & (found.status == "candidate")
        assert removed.sum() == (test & predicted).sum() // 2
        assert found.surprise[removed].min() >= found.surprise[left].max()
    order = [found.suspicion()[found.status == status] for status in ("selected", "candidate", "removed")]
    assert all(below.max() < above.min() for below, above in pairwise(order))


def test_the_first_iteration_says_how_much_to_remove(answering):
    annotations = answering.annotations
    agreeing = np.eye(2, dtype=np.float32)[annotations.labels] * 0.8 + 0.1
    wrong = np.random.default_rng(1).random(len(annotations)) < 0.3
    answering.chance = np.where(wrong[:, None], 1 - agreeing, agreeing).astype(np.float32)
    found = incv(None, annotations, "", iterations=1)
    rate = noise_rate(1 - wrong.mean(), 2)
    assert found.noise_rate == pytest.approx(rate)
    wanted = sum(int(rate / (1 - rate) * (test & ~wrong).sum()) for _, test in answering.asked)
    assert (found.status == "removed").sum() == min(wanted, wrong.sum()) > 10


@pytest.mark.parametrize("levels", [2, 3, 10])
def test_the_noise_rate_is_the_one_that_was_planted(levels):
    random = np.random.default_rng(0)
    for share in (0.0, 0.1, 0.4):
        truth = random.integers(0, levels, 200_000)
        said, learned = (np.where(random.random(len(truth)) < share,
                                  (truth + random.integers(1, levels, len(truth))) % levels, truth)
                         for _ in range(2))  # fmt: skip
        assert noise_rate((said == learned).mean(), levels) == pytest.approx(share, abs=0.01)
    assert noise_rate(0.0, levels) == pytest.approx(1 - 1 / levels)


def test_numbers_and_scales_that_make_no_sense_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="iterations is at least 1 and removed at least 0; got 0 and None"):
        incv(None, corpus(4), tmp_path, iterations=0)
    ratings = corpus(10, levels="ab", kind="nominal")
    rated = ratings.annotations.assign(label=0.5)
    ratings = AnnotationSet.from_tables(Tables(rated, ratings.items, None, Scale("interval", low=0, high=1)), "rated")
    with pytest.raises(DataError, match="rated has interval labels; noise is looked for in labels of one level"):
        ncv(None, ratings, tmp_path)
