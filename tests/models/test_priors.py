"""Priors against brute force on small corpora, and against verified figures on the published ones."""

import numpy as np
import pandas as pd
import pytest
from model_cases import SCALES, corpus_on

from perspectives.data import splits
from perspectives.data.annotations import AnnotationSet, Tables
from perspectives.data.readers import lewidi2023
from perspectives.data.scale import Scale
from perspectives.evaluation.scores import Evaluation
from perspectives.models.priors import LEVEL_PRIORS, PSEUDO_ANNOTATIONS, RATING_PRIORS, priors

BINARY = Scale("nominal", ("0", "1"))


def split_of(annotations: AnnotationSet, test: float = 0.3, hidden: str = "p0") -> splits.Split:
    """The first items are test, and a person is never seen in training."""
    person = annotations.annotations["annotator_id"].to_numpy()
    judged = annotations.item_index < test * len(annotations.items)
    return splits.Split(np.where(judged, 2, np.where(person == hidden, -1, 0)).astype(np.int8), "tiny")


def table(rows: list[tuple], scale: Scale) -> AnnotationSet:
    frame = pd.DataFrame(rows, columns=["item_id", "annotator_id", "label", "round"][: len(rows[0])])
    return AnnotationSet.from_tables(Tables(frame, frame[["item_id"]].drop_duplicates(), None, scale), "tiny")


def brute_force(annotations: AnnotationSet, split: splits.Split) -> dict[str, np.ndarray]:
    """Every prior by loops over rows, [pair, level]."""
    train, test = (annotations.annotations.iloc[split.rows(part)] for part in ("train", "test"))
    kind, size = annotations.scale.kind, annotations.scale.size
    number = annotations.labels[:, None] if kind == "interval" else annotations.indicator().astype(float)
    values = {index: number[position] for position, index in enumerate(annotations.annotations.index)}

    def rows(frame):
        return np.array([values[i] for i in frame.index]).reshape(-1, size)

    def hard(share):
        if kind == "multilabel":
            return (share >= 0.5).astype(float)
        return np.eye(size)[max(level for level in range(size) if np.isclose(share[level], share.max()))]

    prior = rows(train).mean(0)
    items = np.array([rows(group).mean(0) for _, group in train.groupby("item_id")])
    found: dict[str, list] = {}
    for _, pair in test.iterrows():
        own = rows(train[train["annotator_id"] == pair["annotator_id"]])
        everybody = test[test["item_id"] == pair["item_id"]]
        others = rows(everybody[everybody["annotator_id"] != pair["annotator_id"]])
        left = others.mean(0) if len(others) else prior
        if kind == "interval":
            answers = {
                "train_mean": prior,
                "train_median": np.median(rows(train), 0),
                "annotator_mean": own.mean(0) if len(own) else prior,
                "annotator_median": np.median(own if len(own) else rows(train), 0),
                "oracle_mean": rows(everybody).mean(0),
                "oracle_others": left,
            }
        else:
            answers = {
                "most_frequent": hard(prior),
                "class_prior": prior,
                "annotator_mode": hard(own.mean(0) if len(own) else prior),
                "annotator_prior": (own.sum(0) + PSEUDO_ANNOTATIONS * prior) / (len(own) + PSEUDO_ANNOTATIONS),
                "train_mean": items.mean(0),
                "oracle_majority": hard(rows(everybody).mean(0)),
                "oracle_others": hard(left),
            }
            if size == 2 or kind == "multilabel":
                answers["train_median"] = np.median(items, 0)
        for name, answer in answers.items():
            found.setdefault(name, []).append(answer)
    return {name: np.array(answers) for name, answers in found.items()}


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", SCALES)
def test_priors_equal_brute_force(kind, seed):
    annotations = corpus_on(SCALES[kind], items=14, seed=seed)
    split = split_of(annotations)
    got, expected = priors(annotations, split, "test"), brute_force(annotations, split)
    names = set(RATING_PRIORS if kind == "interval" else LEVEL_PRIORS)
    assert set(got) == names
    assert set(expected) >= names - {"train_median"}
    for name, answers in expected.items():
        np.testing.assert_allclose(got[name].values, answers, atol=1e-6, err_msg=name)
    test = annotations.annotations.iloc[split.rows("test")]
    train = annotations.annotations.iloc[split.rows("train")]
    counts = test["annotator_id"].map(train["annotator_id"].value_counts()).fillna(0)
    for name, predictions in got.items():
        assert predictions.pairs["training_labels"].tolist() == counts.tolist()
        assert (counts == 0).any()
        assert predictions.about == {"method": name, "oracle": name.startswith("oracle")}


@pytest.mark.parametrize("kind", SCALES)
def test_what_everyone_would_say_agrees_with_the_pairs(kind):
    annotations = corpus_on(SCALES[kind], items=14)
    without = []
    for name, predictions in priors(annotations, split_of(annotations), "test").items():
        if predictions.everyone is None:
            without.append(name)
            continue
        grid = np.broadcast_to(
            predictions.everyone, (len(predictions.items), len(predictions.annotators), annotations.scale.size)
        )
        np.testing.assert_array_equal(grid[predictions.item_index, predictions.annotator_index], predictions.values)
    assert without == [name for name in (RATING_PRIORS if kind == "interval" else LEVEL_PRIORS) if "oracle" in name]


def test_the_median_soft_label_of_several_levels_is_the_best_constant():
    annotations = corpus_on(SCALES["nominal"], items=30)
    split = split_of(annotations)
    answer = priors(annotations, split, "test")["train_median"].values[0].astype(float)
    soft = annotations.select(split.rows("train")).soft_labels()
    grid = np.array([(i, j, 60 - i - j) for i in range(61) for j in range(61 - i)]) / 60
    best = min(np.abs(soft - point).sum(1).mean() for point in grid)
    assert answer.sum() == pytest.approx(1, abs=1e-6)
    assert np.abs(soft - answer).sum(1).mean() <= best + 1e-6


def test_ties_of_the_oracle_go_to_the_highest_level_and_its_own_label_can_break_them():
    train = [("old", "p", "0"), ("old", "q", "0")]
    rows = [
        *train,
        ("x", "p", "1"),
        ("x", "q", "0"),
        ("y", "p", "0"),
        ("y", "q", "0"),
        ("y", "r", "1"),
        ("z", "r", "1"),
    ]
    annotations = table(rows, BINARY)
    split = splits.Split(np.array([0, 0] + [2] * 6, np.int8), "tiny")
    got = priors(annotations, split, "test")
    assert got["oracle_majority"].labels().tolist() == [1, 1, 0, 0, 0, 1]
    assert got["oracle_others"].labels().tolist() == [0, 1, 1, 1, 0, 0]  # r is alone on z: the class prior


def test_all_answers_of_a_person_about_an_item_are_their_own():
    train = [("old", "p", 9.0, 1), ("old", "q", 3.0, 1)]
    rows = [*train, ("x", "p", 0.0, 1), ("x", "p", 2.0, 2), ("x", "q", 8.0, 1), ("y", "q", 1.0, 1), ("y", "q", 5.0, 2)]
    annotations = table(rows, Scale("interval", low=0, high=10))
    split = splits.Split(np.array([0, 0] + [2] * 5, np.int8), "tiny")
    got = priors(annotations, split, "test")
    assert got["oracle_others"].ratings().tolist() == [8, 8, 1, 6, 6]
    assert "round" in got["oracle_others"].pairs


def test_an_empty_part_gives_empty_predictions():
    annotations = corpus_on(SCALES["binary"])
    for predictions in priors(annotations, split_of(annotations), "validation").values():
        assert len(predictions) == 0


FIGURES = {
    "HS-Brexit": ("hs_brexit", {
        "most_frequent": {"lewidi2023/micro_f1": ".8929", "lewidi2023/cross_entropy": "2.715"},
        "train_mean": {"lewidi2023/cross_entropy": ".3883", "lewidi2023/entropy_bound": ".1807"},
        "train_median": {"lewidi2023/manhattan": ".262"},
        "oracle_majority": {"individual/macro_f1": ".790"},
        "oracle_others": {"individual/macro_f1": ".665"},
    }),
    "ArMIS": ("armis", {
        "most_frequent": {"lewidi2023/micro_f1": ".5724", "lewidi2023/cross_entropy": "8.908"},
        "train_mean": {"lewidi2023/cross_entropy": ".6841", "lewidi2023/entropy_bound": ".2318"},
        "train_median": {"lewidi2023/manhattan": ".710"},
        "oracle_majority": {"individual/macro_f1": ".876"},
        "oracle_others": {"individual/macro_f1": ".754"},
    }),
    "MD-Agreement": ("md_agreement", {
        "most_frequent": {"lewidi2023/micro_f1": ".6670", "lewidi2023/cross_entropy": "7.385"},
        "train_mean": {"lewidi2023/cross_entropy": ".6530", "lewidi2023/entropy_bound": ".3372"},
        "train_median": {"lewidi2023/manhattan": ".580"},
        "oracle_majority": {"individual/macro_f1": ".810"},
        "oracle_others": {"individual/macro_f1": ".723"},
    }),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore::perspectives.errors.DataWarning")
@pytest.mark.parametrize("corpus", FIGURES)
def test_the_verified_figures_of_the_shared_task_come_out(corpus, real_data):
    folder, figures = FIGURES[corpus]
    tables = lewidi2023.read(real_data / f"lewidi2023_{folder}", corpus)
    annotations = AnnotationSet.from_tables(tables, folder)
    got = priors(annotations, splits.official(annotations), "test")
    for name, metrics in figures.items():
        estimates = Evaluation(got[name]).estimates
        for metric, figure in metrics.items():
            digits = len(figure.partition(".")[2])
            assert round(estimates[metric].value, digits) == float(figure), (name, metric, estimates[metric].value)
    if corpus == "MD-Agreement":
        pairs = got["most_frequent"].pairs
        people = pairs.groupby("annotator_id")["training_labels"].first()
        assert ((people == 0).sum(), len(people)) == (148, 246)
        assert round(100 * (~got["most_frequent"].seen).mean(), 1) == 30.9
