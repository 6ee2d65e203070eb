"""What tables measure besides scores: truth inference against gold, detectors of flipped labels, uncertainty."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, f1_score, precision_score, recall_score, roc_auc_score

from perspectives.data.readers.common import MissingData
from perspectives.errors import ConfigError
from perspectives.reproduction.measures import flipped_labels, gold_sets, truth_inference
from perspectives.reproduction.measures.flipped_labels import Verdict


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


@pytest.mark.parametrize("repeated", ["all", "last"])
def test_accuracy_of_the_majority_vote_is_that_of_the_counted_votes(published, repeated):
    rows = {"vote": {"method": "majority", "repeated": repeated}, "kos": {"method": "kos"}}
    found = truth_inference.accuracy(rows, {}, published, False, corpus="S_Dog")
    assert set(found) == {"vote"}  # KOS is for two levels
    counts = votes(published / "truthinf_s_dog", repeated == "last")
    truth = pd.read_csv(published / "truthinf_s_dog" / "truth.csv").set_index("question")["truth"]
    chances = []
    for question in counts.index.intersection(truth.index):
        best = counts.columns[counts.loc[question] == counts.loc[question].max()]
        chances.append((truth[question] in best) / len(best))
    assert found["vote"]["accuracy"].value == pytest.approx(np.mean(chances))
    assert found["vote"]["accuracy"].counts == {"items": 30}
    assert "f1" not in found["vote"]


def test_two_levels_have_an_f1_and_likelihoods_are_told(published):
    rows = {"vote": {"method": "majority"}, "EM": {"method": "mace", "inference": "em", "restarts": 2}}
    found = truth_inference.accuracy(rows, {}, published, False, corpus="D_Duck")
    counts = votes(published / "truthinf_d_duck", False)
    truth = pd.read_csv(published / "truthinf_d_duck" / "truth.csv").set_index("question")["truth"]
    known = counts.index.intersection(truth.index)
    assert (counts.loc[known, 0] != counts.loc[known, 1]).all(), "ties would make the F1 one of chances"
    assert found["vote"]["f1"].value == pytest.approx(f1_score(truth[known], counts.loc[known].to_numpy().argmax(1)))
    assert found["EM"]["log_likelihood"].value < 0
    assert "log_likelihood" not in found["vote"]


def test_a_set_that_is_not_there_is_named_with_its_source(published):
    with pytest.raises(MissingData, match=r"truthinf_s_rel is not there; put what https://\S+ publishes there"):
        gold_sets.read(published, "S_Rel")
    with pytest.raises(ConfigError, match="there is no set 'S_Cat'; choose one of D_Duck"):
        gold_sets.read(published, "S_Cat")


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
