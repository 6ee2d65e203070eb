"""The LeWiDi-2025 preset against the task's formulas written as loops, and on the published test sets."""

import warnings
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from invented_predictions import ITEMS, made
from scipy.stats import wasserstein_distance

from perspectives.data.annotations import AnnotationSet
from perspectives.data.readers import lewidi2025 as reader
from perspectives.data.splits import official
from perspectives.errors import DataError
from perspectives.evaluation.scores import Evaluation
from perspectives.metrics import lewidi2025
from perspectives.models.priors import priors

RNG = np.random.default_rng(0)
FOLDERS = {"CSC": "csc", "MP": "multipico", "Paraphrase": "paraphrase", "VariErrNLI": "varierrnli"}


def distributions(items: int, levels: int) -> np.ndarray:
    return RNG.dirichlet(np.ones(levels), items)


# Against loops. -----------------------------------------------------------------------------------------------------


def test_soft_scores_are_the_means_of_the_distances_of_each_item():
    target, predicted = distributions(7, 6), distributions(7, 6)
    levels = np.arange(6)
    moved = [wasserstein_distance(levels, levels, t, p) for t, p in zip(target, predicted, strict=True)]
    assert float(lewidi2025.wasserstein(target, predicted)) == pytest.approx(np.mean(moved))
    assert float(lewidi2025.wasserstein(target * 1.02, predicted)) == pytest.approx(np.mean(moved))
    shared = [sum(abs(t[k] - p[k]) for k in range(6)) for t, p in zip(target, predicted, strict=True)]
    assert float(lewidi2025.manhattan(target, predicted)) == pytest.approx(np.mean(shared))

    target, predicted = RNG.random((5, 3)), RNG.random((5, 3))
    by_item = []
    for of_target, of_prediction in zip(target, predicted, strict=True):
        pairs = [([1 - t, t], [1 - p, p]) for t, p in zip(of_target, of_prediction, strict=True)]
        by_item.append(np.mean([sum(abs(a - b) for a, b in zip(t, p, strict=True)) for t, p in pairs]))
    assert float(lewidi2025.multilabel_manhattan(target, predicted)) == pytest.approx(np.mean(by_item))
    assert np.isnan(float(lewidi2025.multilabel_manhattan(target[:0], predicted[:0])))


def test_perspectivist_scores_average_the_annotators_of_an_item_first():
    item = np.array([0, 0, 0, 0, 1, 2, 2])
    said, guessed = RNG.integers(0, 2, (2, 7))
    wrong = [np.mean([said[n] != guessed[n] for n in np.flatnonzero(item == i)]) for i in range(3)]
    estimate = lewidi2025.error_rate(said, guessed, item)
    assert float(estimate) == pytest.approx(np.mean(wrong))
    assert np.mean(wrong) != pytest.approx((said != guessed).mean())  # that of the pooled pairs is another
    assert len(estimate) == 7

    said, guessed = RNG.integers(-5, 6, (2, 7))
    far = [np.mean([abs(said[n] - guessed[n]) / 11 for n in np.flatnonzero(item == i)]) for i in range(3)]
    assert float(lewidi2025.absolute_distance(said, guessed, item, 11)) == pytest.approx(np.mean(far))
    assert float(lewidi2025.absolute_distance(said, guessed, item, 10)) == pytest.approx(np.mean(far) * 1.1)

    said, guessed = RNG.integers(0, 2, (2, 7, 3))
    wrong = []
    for i in range(3):  # by level, as the notebook's vectors are laid out: [level][annotator]
        real, answer = said[item == i].T, guessed[item == i].T
        wrong.append(np.mean([np.mean(real[level] != answer[level]) for level in range(3)]))
    assert float(lewidi2025.multilabel_error_rate(said, guessed, item)) == pytest.approx(np.mean(wrong))


def test_the_labels_scored_have_the_least_expected_score():
    probabilities = distributions(200, 6)
    values = np.arange(6)
    loss = np.abs(values[:, None] - values) @ probabilities.T  # [answer, pair]
    chosen = lewidi2025.median_labels(probabilities)
    np.testing.assert_allclose(loss[chosen, np.arange(200)], loss.min(0))
    assert (chosen != probabilities.argmax(1)).any()
    certain = np.eye(6, dtype=np.float32)
    np.testing.assert_array_equal(lewidi2025.median_labels(certain), values)
    thirds = np.full((1, 3), 1 / 3, np.float32)
    assert lewidi2025.median_labels(thirds).tolist() == [1]
    assert lewidi2025.median_labels(np.array([[0.5, 0.5]])).tolist() == [0]
    assert lewidi2025.likely_labels(np.array([[0.5, 0.5], [0.4, 0.6]])).tolist() == [0, 1]
    assert lewidi2025.likely_sets(np.array([[0.5, 0.51, 0.2]])).tolist() == [[0, 1, 0]]


def test_what_is_no_probability_of_a_level_is_refused():
    with pytest.raises(DataError, match="predicted holds numbers outside 0 to 1, or nan; pass the probability of each"):
        lewidi2025.multilabel_manhattan(np.zeros((1, 2)), np.array([[0.5, 1.1]]))
    with pytest.raises(DataError, match=r"target \(1, 2\) and predicted \(2, 2\) must both be \[item, level\], of the"):
        lewidi2025.multilabel_manhattan(np.zeros((1, 2)), np.zeros((2, 2)))


# In an evaluation. --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["nominal", "ordinal", "multilabel"])
def test_an_evaluation_has_the_scores_where_soft_labels_are_published(kind):
    predictions = made(kind)
    assert not any(name.startswith("lewidi2025/") for name in Evaluation(predictions).estimates)
    shares = distributions(ITEMS, predictions.scale.size)
    items = predictions.items.assign(official_distribution=[tuple(row) for row in shares])
    evaluation = Evaluation(replace(predictions, items=items))
    got = {name: float(estimate) for name, estimate in evaluation.estimates.items() if name.startswith("lewidi2025/")}
    probability = predictions.probabilities()
    answer = probability.reshape(ITEMS, 2, -1).mean(1)
    if kind == "multilabel":
        error = np.abs(predictions.observed - (probability > 0.5)).mean()
        expected = {"error_rate": error, "manhattan": 2 * np.abs(shares - answer).mean()}
    elif kind == "ordinal":
        distance = np.abs(predictions.observed - lewidi2025.median_labels(probability)).mean() / 5
        moved = np.abs(np.cumsum(shares - answer, axis=1)).sum(1).mean()
        expected = {"absolute_distance": distance, "wasserstein": moved}
    else:
        error = (predictions.observed != probability.argmax(1)).mean()
        expected = {"error_rate": error, "manhattan": np.abs(shares - answer).sum(1).mean()}
    assert got == {f"lewidi2025/{name}": pytest.approx(value, rel=1e-6) for name, value in expected.items()}
    perspectivist, of_items = (evaluation.interval(name) for name in got)
    assert set(perspectivist.clusters) == {"item", "annotator"}
    assert set(of_items.clusters) == {"item"}
    partly = items.assign(official_distribution=[None, *items["official_distribution"][1:]])
    assert not any(name.startswith("lewidi2025/") for name in Evaluation(replace(predictions, items=partly)).estimates)


# On the published files. --------------------------------------------------------------------------------------------


@cache
def published(folder: str, corpus: str) -> AnnotationSet:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some annotators of CSC have no demographic record
        return AnnotationSet.from_tables(reader.read(folder, corpus), corpus)


@pytest.mark.parametrize(("corpus", "items"), [("CSC", 1408), ("MP", 6761), ("Paraphrase", 500), ("VariErrNLI", 488)])
def test_published_soft_labels_are_ours_up_to_two_decimals(real_data, corpus, items):
    annotations = published(str(real_data / f"lewidi2025_{FOLDERS[corpus]}"), corpus)
    official_shares = np.array(annotations.items["official_distribution"].tolist())
    assert official_shares.shape == (items, annotations.scale.size)
    assert np.abs(official_shares - annotations.soft_labels()).max() <= 0.005 + 1e-9


@pytest.mark.parametrize(
    ("corpus", "prior", "metric", "score"),
    [
        ("Paraphrase", "annotator_mode", "absolute_distance", "0.362"),  # most frequent label of each annotator
        ("VariErrNLI", "train_median", "error_rate", "0.345"),  # the empty set, by everyone
    ],
)
def test_the_published_baseline_is_met_to_its_last_digit(real_data, corpus, prior, metric, score):
    annotations = published(str(real_data / f"lewidi2025_{FOLDERS[corpus]}"), corpus)
    answers = priors(annotations, official(annotations=annotations), "test")[prior]
    assert len(answers.items) == 50
    assert f"{float(Evaluation(answers).estimates[f'lewidi2025/{metric}']):.3f}" == score
