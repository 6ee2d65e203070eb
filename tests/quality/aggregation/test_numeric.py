"""Mean, median and LFC_N against pandas, plain loops and the published figures."""

import numpy as np
import pandas as pd
import pytest

from perspectives.errors import DataError
from perspectives.quality.aggregation.numeric import lfc_n, mean, median


def ratings(seed: int = 0, items: int = 60, people: int = 8) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    truth, spread = rng.normal(0, 10, items), rng.uniform(1, 15, people)
    table = pd.DataFrame([(i, a) for i in range(items) for a in range(people)], columns=["item", "annotator"])
    table["truth"] = truth[table["item"]]
    table["rating"] = table["truth"] + spread[table["annotator"]] * rng.standard_normal(len(table))
    return table.sample(frac=0.7, random_state=seed)


def test_mean_and_median_are_those_of_pandas():
    table = ratings()
    expected = table.groupby("item")["rating"]
    items = table["item"].to_numpy() + 1  # nobody rated the first
    rating = table["rating"].to_numpy()
    for found, value in ((mean, expected.mean()), (median, expected.median())):
        answer = found(items, rating, 61).ratings
        assert np.isnan(answer[0])
        np.testing.assert_allclose(answer[1:], value.to_numpy())


def test_lfc_n_equals_plain_loops():
    table = ratings(1)
    truth = table.groupby("item")["rating"].mean()
    for _ in range(5):
        error = (table["rating"] - truth[table["item"]].to_numpy()) ** 2
        variance = error.groupby(table["annotator"]).mean()
        weight = 1 / variance[table["annotator"]].to_numpy()
        sums = (table["rating"] * weight).groupby(table["item"]).sum()
        truth = sums / pd.Series(weight, table.index).groupby(table["item"]).sum()
    item, annotator, rating = (table[name].to_numpy() for name in ("item", "annotator", "rating"))
    found = lfc_n(item, annotator, rating, (60, 8), 5, 0)
    np.testing.assert_allclose(found.ratings, truth.to_numpy())
    np.testing.assert_allclose(found.annotators["variance"], variance.to_numpy())
    assert not found.converged


def test_people_who_are_precise_count_for_more():
    gains = []
    for seed in range(5):
        table = ratings(seed, items=200)
        item, annotator, rating = (table[name].to_numpy() for name in ("item", "annotator", "rating"))
        truth = table.groupby("item")["truth"].first().to_numpy()
        found = lfc_n(item, annotator, rating, (200, 9))
        assert found.converged
        assert np.isnan(found.annotators["variance"][8])  # without annotations
        gains.append(np.abs(mean(item, rating, 200).ratings - truth).mean() - np.abs(found.ratings - truth).mean())
    assert np.mean(gains) > 0.3


def test_shifting_scaling_and_shuffling_ratings_does_the_same_to_the_answer():
    table = ratings(2)
    item, annotator, rating = (table[name].to_numpy() for name in ("item", "annotator", "rating"))
    found = lfc_n(item, annotator, rating, (60, 8)).ratings
    np.testing.assert_allclose(lfc_n(item, annotator, 5 - 100 * rating, (60, 8)).ratings, 5 - 100 * found)
    order = np.random.default_rng(0).permutation(len(item))
    again = lfc_n(item[order], annotator[order], rating[order], (60, 8)).ratings
    np.testing.assert_allclose(again, found)


@pytest.mark.parametrize("rating", [0.0, 7.0])
def test_equal_ratings_are_the_answer(rating):
    item, annotator = np.divmod(np.arange(20), 5)
    found = lfc_n(item, annotator, np.full(20, rating), (4, 5))
    np.testing.assert_array_equal(found.ratings, np.full(4, rating))
    assert found.converged
    assert lfc_n([0], [0], [rating], (1, 1)).ratings.tolist() == [rating]


def test_missing_ratings_are_refused():
    with pytest.raises(DataError, match=r"1 rating\(s\) are missing or infinite; leave such annotations out"):
        mean(np.array([0, 1]), np.array([np.nan, 1]), 2)
    with pytest.raises(DataError, match="there are no annotations, so there is nothing to aggregate"):
        median(np.array([], int), np.array([]), 2)


def test_what_does_not_fit_is_refused():
    for item, rating, message in (
        ([0, 5], [1.0, 2.0], r"item holds 5 at annotation 1 \(1 such\); accepted is 0 to 2"),
        ([0, -1], [1.0, 2.0], r"item holds -1 at annotation 1 \(1 such\); accepted is 0 to 2"),
        ([0, 1], [1.0], r"ratings are float64 \(1,\); needed is a number for each of 2 annotations"),
        ([0, 1], ["good", "bad"], "ratings are <U4 .*; needed is a number"),
    ):
        for method in (mean, median):
            with pytest.raises(DataError, match=message):
                method(item, rating, 3)
    with pytest.raises(DataError, match=r"one number per annotation is needed; got item \(2,\), annotator \(1,\)"):
        lfc_n([0, 1], [0], [1.0, 2.0], (2, 1))
    assert lfc_n([0.0, 1.0], [0, 0], [1, 2], (2, 1)).ratings.tolist() == [1, 2]


def test_the_figures_of_n_emotion(real_data):
    folder = real_data / "truthinf_n_emotion"
    answers = pd.read_csv(folder / "answer.csv", dtype={"question": str})
    gold = pd.read_csv(folder / "truth.csv", dtype={"question": str}).set_index("question")["truth"]
    item, items = pd.factorize(answers["question"])
    annotator, people = pd.factorize(answers["worker"])
    rating = answers["answer"].to_numpy(float)
    shape = (len(items), len(people))
    found = {
        "mean": mean(item, rating, shape[0]),
        "median": median(item, rating, shape[0]),
        "lfc_n": lfc_n(item, annotator, rating, shape),
    }
    error = {name: answer.ratings - gold[items].to_numpy() for name, answer in found.items()}
    measured = {name: (np.abs(x).mean().round(2), np.sqrt((x**2).mean()).round(2)) for name, x in error.items()}
    assert measured == {"mean": (12.02, 17.84), "median": (13.53, 21.26), "lfc_n": (12.20, 18.97)}
