"""Noisy cross-validation, margins and flipped labels, on planted noise and against rules written out in loops."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from running import places
from sklearn.metrics import roc_auc_score

from perspectives.config import compose
from perspectives.data.annotations import AnnotationSet, Tables
from perspectives.data.scale import Scale
from perspectives.errors import ConfigError, DataError
from perspectives.models.majority import majority_labels
from perspectives.predictions import Predictions
from perspectives.quality import noise
from perspectives.quality.dynamics import area_under_margin, confidence, variability
from perspectives.quality.flips import flip_labels, noise_probability
from perspectives.quality.noise import incv, margins, ncv, noise_rate, threshold_samples

WORDS = {
    "a": ["rain", "storm", "cloud", "fog"],
    "b": ["sun", "beach", "warm", "sky"],
    "c": ["tea", "cake", "bread", "jam"],
}


def corpus(items=120, people=3, levels="ab", kind="nominal"):
    """Texts whose words say which level everybody gives them."""
    random = np.random.default_rng(0)
    truth = random.permutation(np.arange(items) % len(levels))
    texts = [" ".join([*random.choice(WORDS[levels[t]], 5), str(i)]) for i, t in enumerate(truth)]
    table = pd.DataFrame({"item_id": np.repeat(np.arange(items), people), "annotator_id": list("xyz"[:people]) * items})
    table["label"] = [levels[t] for t in np.repeat(truth, people)]
    table = table.sample(frac=1, random_state=1)  # rows in no order
    made = Tables(table, pd.DataFrame({"item_id": range(items), "text": texts}), None, Scale(kind, tuple(levels)))
    return AnnotationSet.from_tables(made, "weather")


def config(folder, *overrides):
    fast = ("debug=short", "encoder=ngrams", "encoder.hidden=16", "model=softlabel", "optim.lr=0.05",
            "trainer.max_epochs=6", "split=items")  # fmt: skip
    return compose("train", [*fast, *overrides, *places(folder)])


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


def test_margins_find_planted_flips_below_the_threshold(planted, tmp_path):
    annotations, _ = planted
    found = margins(config(tmp_path, "trainer.max_epochs=4"), annotations, tmp_path)
    wrong = planted[1][rows_of(annotations, tmp_path)]
    assert len(found.aum) == len(wrong) == 72 * 3
    assert roc_auc_score(wrong, -found.aum) > 0.9
    assert found.suspect.tolist() == (found.excess <= 0).tolist()
    assert found.suspect[wrong].mean() > 0.95
    assert found.suspect[~wrong].mean() < 0.5  # many: the best percent of a few dozen samples was learned by heart
    with pytest.raises(ConfigError, match="model=majority learns from item labels; give majority_labels"):
        margins(config(tmp_path, "model=majority"), annotations, tmp_path)


def rows_of(annotations, folder):
    from perspectives.config import instantiate

    return instantiate(config(folder).split, annotations=annotations).rows("train")


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
    monkeypatch.setattr(noise, "_held_out", stand_in)
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
    for refusing in (lambda: ncv(None, ratings, tmp_path), lambda: threshold_samples(ratings, np.arange(5), 0)):
        with pytest.raises(DataError, match="rated has interval labels; noise is looked for in labels of one level"):
            refusing()


# Threshold samples and flips. --------------------------------------------------------------------------------------


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
    with pytest.raises(ConfigError, match=r"the share of labels to flip is a number from 0 to 1; got 1.5"):
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
    with pytest.raises(DataError, match="leave out annotations never trained on"):
        noise_probability(np.full((9, 1), np.nan), flipped[:9])
    with pytest.raises(DataError, match="2 of 30 labels are flipped; 5 folds need at least 5 of either kind"):
        noise_probability(np.zeros((30, 1)), np.arange(30) < 2)
