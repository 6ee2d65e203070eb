"""What tables measure besides scores: truth inference against gold, detectors of flipped labels, uncertainty."""

import hashlib

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, f1_score, precision_score, recall_score, roc_auc_score

from perspectives.data.readers.common import MissingData
from perspectives.errors import ConfigError
from perspectives.metrics.disagreement import pearson
from perspectives.reproduction.measured import Context
from perspectives.reproduction.measures import flipped_labels, gold_sets, truth_inference, uncertainty
from perspectives.reproduction.measures.flipped_labels import Verdict
from perspectives.reproduction.measures.gold_files import SETS
from perspectives.reproduction.trainings import trainings_of
from perspectives.training.fit import fit


@pytest.fixture
def published(tmp_path, monkeypatch):
    """S_Dog with 40 questions of 4 levels by 5 workers, one of whom repeats himself twice; D_Duck with two levels."""
    rng = np.random.default_rng(0)
    for folder, levels in (("truthinf_s_dog", 4), ("truthinf_d_duck", 2)):
        truth = rng.integers(0, levels, 40)
        rows = [
            (f"q{q}", f"w{w}", truth[q] if rng.random() < 0.6 + 0.08 * w else rng.integers(0, levels))
            for q in range(40)
            for w in range(5)
        ]
        rows += [("q0", "w0", 1), ("q1", "w0", 0)] if levels == 4 else []
        (tmp_path / folder).mkdir()
        pd.DataFrame(rows, columns=["question", "worker", "answer"]).to_csv(
            tmp_path / folder / "answer.csv", index=False
        )
        gold = pd.DataFrame({"question": [f"q{q}" for q in range(30)] + ["q99"], "truth": [*truth[:30], 0]})
        gold.to_csv(tmp_path / folder / "truth.csv", index=False)
    monkeypatch.setenv("PERSPECTIVES_DATA", str(tmp_path))
    return tmp_path


def votes(folder, last):
    answers = pd.read_csv(folder / "answer.csv")
    answers = answers.drop_duplicates(["question", "worker"], keep="last") if last else answers
    return pd.crosstab(answers["question"], answers["answer"])


def measured(setting, corpus, **given):
    return truth_inference.accuracy(setting, corpus).row(given, [])


@pytest.mark.parametrize("repeated", ["all", "last"])
def test_accuracy_of_the_majority_vote_is_that_of_the_counted_votes(published, repeated):
    assert measured(Context(published), "S_Dog", method="kos") == {}  # KOS is for two levels
    found = measured(Context(published), "S_Dog", method="majority", repeated=repeated)
    counts = votes(published / "truthinf_s_dog", repeated == "last")
    truth = pd.read_csv(published / "truthinf_s_dog" / "truth.csv").set_index("question")["truth"]
    chances = []
    for question in counts.index.intersection(truth.index):
        best = counts.columns[counts.loc[question] == counts.loc[question].max()]
        chances.append((truth[question] in best) / len(best))
    assert found["accuracy"].value == pytest.approx(np.mean(chances))
    assert found["accuracy"].counts == {"items": 30}
    assert "f1" not in found


def test_two_levels_have_an_f1_and_likelihoods_are_told(published):
    vote = measured(Context(published), "D_Duck", method="majority")
    mace = measured(Context(published), "D_Duck", method="mace", inference="em", restarts=2)
    counts = votes(published / "truthinf_d_duck", False)
    truth = pd.read_csv(published / "truthinf_d_duck" / "truth.csv").set_index("question")["truth"]
    known = counts.index.intersection(truth.index)
    assert (counts.loc[known, 0] != counts.loc[known, 1]).all(), "ties would make the F1 one of chances"
    assert vote["f1"].value == pytest.approx(f1_score(truth[known], counts.loc[known].to_numpy().argmax(1)))
    assert mace["log_likelihood"].value < 0
    assert "log_likelihood" not in vote


def test_only_to_see_whether_it_runs_few_items_are_enough(published, monkeypatch):
    monkeypatch.setattr(truth_inference, "FEW", 7)
    few = measured(Context(published, smoke=True), "S_Dog", method="majority")
    assert few["accuracy"].counts == {"items": 7}
    whole = gold_sets.read(published, "S_Dog")
    first = whole.first(35)  # 30 with gold, 5 without
    assert (first.gold >= 0).sum() == 30
    assert first.incidence.votes.sum() == 5 * 35 + 2
    kept = np.sort(np.argsort(whole.gold < 0, kind="stable")[:35])
    np.testing.assert_array_equal(first.incidence.votes, whole.incidence.votes[kept])
    np.testing.assert_array_equal(first.incidence.given.sum(), whole.incidence.votes[kept].sum())


def test_numbers_are_of_the_files_they_were_measured_on(published):
    before = [truth_inference.accuracy(Context(published), "S_Dog").identity for _ in range(2)]
    file = published / "truthinf_s_dog" / "truth.csv"
    file.write_text(file.read_text().replace("q0,", "q1,", 1))
    assert before[0] == before[1] != truth_inference.accuracy(Context(published), "S_Dog").identity


def test_a_set_that_is_not_there_is_named_with_its_files_source_and_checksums(published):
    with pytest.raises(MissingData) as caught:
        truth_inference.accuracy(Context(published), "S_Rel")
    first, second, *files = str(caught.value).splitlines()
    assert first == f"{published}/truthinf_s_rel holds no answer.csv, truth.csv"
    assert second.startswith("put these files from datasets/s4_Relevance in https://github.com/")
    assert files[1].startswith("  - truth.csv (156,044 bytes, sha256 1ebae4ae9f6b")
    with pytest.raises(ConfigError, match="set 'S_Cat' is unknown; choose one of D_Duck"):
        gold_sets.read(published, "S_Cat")


def test_the_sets_at_hand_are_the_published_ones(real_data):
    found = 0
    for name, known in SETS.items():
        for file, facts in known.files.items():
            path = real_data / known.folder / file
            if path.exists():
                assert hashlib.sha256(path.read_bytes()).hexdigest() == facts.sha256, name
                assert path.stat().st_size == facts.bytes
                found += 1
    assert found > 0


@pytest.fixture
def judged():
    rng = np.random.default_rng(1)
    flipped = rng.random(300) < 0.2
    return flipped, rng.normal(size=300) + 1.5 * flipped


def test_measures_of_a_rule_are_those_of_scikit_learn(judged):
    flipped, suspicion = judged
    rows = np.arange(300)
    ruled = Verdict(suspicion, suspicion > 1)
    assert flipped_labels.auroc(flipped, ruled, rows) == pytest.approx(roc_auc_score(flipped, suspicion))
    assert flipped_labels.precision(flipped, ruled, rows) == pytest.approx(precision_score(flipped, suspicion > 1))
    assert flipped_labels.recall(flipped, ruled, rows) == pytest.approx(recall_score(flipped, suspicion > 1))
    assert flipped_labels.taken(flipped, ruled, rows) == pytest.approx((suspicion > 1).mean())


def test_without_a_rule_as_many_are_suspected_as_were_flipped(judged):
    flipped, suspicion = judged
    rows = np.arange(300)
    precision = flipped_labels.precision(flipped, Verdict(suspicion), rows)
    assert precision == flipped_labels.recall(flipped, Verdict(suspicion), rows)
    assert precision == pytest.approx(flipped[np.argsort(-suspicion)[: flipped.sum()]].mean())
    assert average_precision_score(flipped, suspicion) > flipped.mean()


def test_drawn_items_bring_all_their_annotations():
    item = np.array([2, 0, 1, 0, 2, 2])
    rows = flipped_labels.drawn(item, np.random.default_rng(0))
    counts = np.bincount(rows, minlength=6)
    for one in range(3):
        assert len(set(counts[item == one])) == 1
    assert sum(counts[np.flatnonzero(item == one)[0]] for one in range(3)) == 3


def test_of_equally_suspicious_annotations_any_may_be_taken(judged):
    flipped, suspicion = judged
    tied = np.round(suspicion)
    rows, count, random = np.arange(300), flipped.sum(), np.random.default_rng(3)
    assert (tied == np.sort(tied)[-count]).sum() > 20, "the cut runs through a tie"
    drawn = []
    for _ in range(2000):
        shuffled = random.permutation(300)
        drawn.append(flipped[shuffled[np.argsort(-tied[shuffled], kind="stable")[:count]]].mean())
    expected = flipped_labels.precision(flipped, Verdict(tied), rows)
    assert expected == pytest.approx(np.mean(drawn), abs=5 * np.std(drawn) / np.sqrt(2000))
    for order in (np.argsort(flipped), np.argsort(~flipped)):  # the order of the file plays no part
        assert flipped_labels.precision(flipped[order], Verdict(tied[order]), rows) == pytest.approx(expected)
        assert flipped_labels.precision(flipped[order], Verdict(np.zeros(300)), rows) == pytest.approx(flipped.mean())
    assert flipped_labels.taken(flipped, Verdict(tied), rows) == pytest.approx(flipped.mean())


def test_every_detector_says_which_trainings_it_needs():
    without = {"rare_label", "other_raters"}
    assert set(flipped_labels.TRAININGS) == set(flipped_labels.DETECTORS) - without


def test_detectors_are_measured_on_two_levels(tmp_path):
    options = ["debug=tiny", "data=synthetic", "data.reader.levels=3", f"paths.runs={tmp_path}"]
    with pytest.raises(ConfigError, match="detectors are measured on two levels; choose another corpus"):
        flipped_labels.detection(Context(tmp_path), options)


def test_of_swept_options_uncertainty_is_that_of_the_best_on_validation(tmp_path, monkeypatch):
    options = ["debug=tiny", "data=synthetic", "model=majority", "optim.lr=1e-4,1e-1", "seed=0,1"]
    trained = [fit(one.config) for one in trainings_of([*options, f"paths.runs={tmp_path}"])]
    seen = []

    def of_seed(folds, measure):
        seen.extend(run.config["optim"]["lr"] for run in folds)
        return pearson(np.arange(5.0), np.array([1.0, 0, 2, 4, 3]))

    monkeypatch.setattr(uncertainty, "_of_seed", of_seed)
    found = uncertainty.disagreement(Context(tmp_path)).row("confidence", trained)["correlation"]
    losses = {lr: np.mean([loss(run) for run in trained if run.config["optim"]["lr"] == lr]) for lr in (1e-4, 1e-1)}
    best = min(losses, key=lambda lr: losses[lr])
    assert seen == [best, best]
    assert (found.seeds, found.folds, found.setting) == (2, 1, f"optim.lr={best}")


def loss(run):
    return run.metrics["predictions"]["majority"]["validation"]["metrics"]["individual/cross_entropy"]["value"]
