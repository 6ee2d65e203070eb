"""The LeWiDi-2023 preset reproduces the constants' scores on the published test sets."""

import warnings
from functools import cache

import numpy as np
import pytest
from sklearn.metrics import f1_score

from perspectives.data.annotations import AnnotationSet
from perspectives.data.readers import lewidi2023 as reader
from perspectives.metrics import lewidi2023, soft

# folder, items in test, majority class: micro-F1, CE; train-mean CE; entropy; train-median Manhattan
PUBLISHED = {
    "HS-Brexit": ("lewidi2023_hs_brexit", 168, 0.8929, 2.715, 0.3883, 0.1807, 0.262),
    "ArMIS": ("lewidi2023_armis", 145, 0.5724, 8.908, 0.6841, 0.2318, 0.710),
    "MD-Agreement": ("lewidi2023_md_agreement", 3057, 0.6670, 7.385, 0.6530, 0.3372, 0.580),
}


@cache
def published(folder: str, corpus: str) -> AnnotationSet:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one item names an annotator twice
        return AnnotationSet.from_tables(reader.read(folder, corpus), corpus, duplicates="keep")


@pytest.mark.parametrize("corpus", PUBLISHED)
def test_constants_have_the_published_scores(real_data, corpus):
    folder, items, micro_f1, one_hot_ce, mean_ce, entropy, median_manhattan = PUBLISHED[corpus]
    annotations = published(str(real_data / folder), corpus)
    split = annotations.items["split"].to_numpy()
    target = np.round(annotations.soft_labels(), 2)  # as published
    official = annotations.items["official_label"].astype(int).to_numpy()
    train, test = target[split == "train"], target[split == "test"]
    assert len(test) == items

    def constant(row):
        return np.tile(row, (items, 1))

    majority_class = constant(np.eye(2)[np.bincount(official[split == "train"]).argmax()])
    assert float(lewidi2023.micro_f1(official[split == "test"], majority_class)) == pytest.approx(micro_f1, abs=5e-5)
    assert float(lewidi2023.cross_entropy(test, majority_class)) == pytest.approx(one_hot_ce, abs=5e-4)
    best = constant(train.mean(0))
    assert float(lewidi2023.cross_entropy(test, best)) == pytest.approx(mean_ce, abs=5e-5)
    assert float(soft.cross_entropy(test, best)) == pytest.approx(mean_ce, abs=5e-5)
    assert float(soft.entropy_bound(test)) == pytest.approx(entropy, abs=5e-5)
    median = constant(soft.median_soft_label(train))
    assert float(soft.manhattan(test, median)) == pytest.approx(median_manhattan, abs=5e-4)
    np.testing.assert_allclose(median[0], np.median(train, axis=0))


def test_cross_entropy_of_certain_predictions():
    certain = np.array([[0.0, 1.0]])
    assert float(lewidi2023.cross_entropy(np.array([[1.0, 0.0]]), certain)) == pytest.approx(-np.log(1e-12 + 1e-9))
    assert float(lewidi2023.cross_entropy(certain, certain)) == pytest.approx(0, abs=2e-9)
    assert np.isnan(float(lewidi2023.cross_entropy(certain[:0], certain[:0])))


def test_hard_label_of_a_tie_is_the_first_level():
    assert lewidi2023.hard_label(np.array([[0.5, 0.5], [0.4, 0.6]])).tolist() == [0, 1]


def test_micro_f1_equals_scikit_learn():
    rng = np.random.default_rng(0)
    official, predicted = rng.integers(0, 3, 50), rng.dirichlet(np.ones(3), 50)
    expected = f1_score(official, predicted.argmax(1), average="micro")
    assert float(lewidi2023.micro_f1(official, predicted)) == pytest.approx(expected)
