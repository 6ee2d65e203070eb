"""What a juror's sheet may hold: who is withheld, which pools the shown values are, how well people are predicted."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, mean_absolute_error
from sklearn.neighbors import NearestNeighbors

from perspectives.data.scale import Scale
from perspectives.juries.compositions import members
from perspectives.predictions import Predictions
from perspectives.reports.explorer.juror_sheets import NOT_KNOWN, SUPPRESSED, agreement, attributes, nearest


def people(**columns: list) -> pd.DataFrame:
    length = len(next(iter(columns.values())))
    return pd.DataFrame({"annotator_id": [f"p{n}" for n in range(length)], **columns})


def test_values_of_few_people_are_withheld_and_unknown_is_no_value_unless_asked_for():
    gender = ["Woman"] * 6 + ["Man"] * 5 + ["Rare"] * 4 + ["Rarer"] + ["unknown"] * 5
    (shown,) = attributes(people(gender=gender))
    assert (shown.values, shown.pools) == (("Woman", "Man"), ("gender=Woman", "gender=Man"))
    assert shown.code.tolist() == [0] * 6 + [1] * 5 + [SUPPRESSED] * 5 + [NOT_KNOWN] * 5
    (shown,) = attributes(people(gender=gender), unknown=True)
    assert shown.values == ("Woman", "Man", "unknown")
    assert shown.code.tolist() == [0] * 6 + [1] * 5 + [SUPPRESSED] * 5 + [2] * 5


@pytest.mark.parametrize("unknown", [False, True])
def test_few_unknown_people_are_withheld_too(unknown):
    (shown,) = attributes(people(gender=["Woman"] * 6 + ["unknown"] * 4), unknown)
    assert shown.values == ("Woman",)
    assert shown.code.tolist() == [0] * 6 + [SUPPRESSED] * 4


def test_attributes_nobody_shares_are_not_shown():
    assert attributes(people(town=[f"town {n}" for n in range(30)])) == []


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.one_of(st.none(), st.integers(18, 90)), min_size=10, max_size=80))
def test_pools_are_the_people_their_grammar_names(ages):
    table = people(
        age=[np.nan if age is None else float(age) for age in ages], race=np.resize(["a, b", "c"], len(ages))
    )
    for shown in attributes(table):
        for position, pool in enumerate(shown.pools):
            np.testing.assert_array_equal(members(pool, table), shown.code == position)
            assert (shown.code == position).sum() >= 5


@pytest.mark.parametrize("unit", [1 / 3, 125000.5])
def test_pools_of_long_numbers_are_the_same_people(unit):
    table = people(score=[unit * (n % 9 - 4) for n in range(72)])
    (shown,) = attributes(table)
    for position, pool in enumerate(shown.pools):
        np.testing.assert_array_equal(members(pool, table), shown.code == position)


def predictions(scale: Scale, said: list, values: list, who: list[int]) -> Predictions:
    pairs = pd.DataFrame({"item_id": [f"i{n}" for n in range(len(said))], "annotator_id": [f"p{n}" for n in who]})
    items = pd.DataFrame({"item_id": pairs["item_id"], "text": "tea"})
    pairs = pairs.assign(label=said, training_labels=1)
    return Predictions(scale, pairs, np.array(values, np.float32), items, people(x=["a"] * 3))


def test_agreement_is_the_share_of_labels_predicted_right():
    rng = np.random.default_rng(0)
    values, said, who = rng.random((40, 4)), rng.integers(4, size=40), rng.integers(2, size=40)
    share, count = agreement(predictions(Scale.integers(0, 3), list(map(str, said)), values, who.tolist()))
    for person in (0, 1):
        assert share[person] == pytest.approx(accuracy_score(said[who == person], values[who == person].argmax(1)))
    assert count.tolist() == [(who == 0).sum(), (who == 1).sum(), 0]
    assert np.isnan(share[2])


def test_agreement_of_ratings_is_their_mean_error_and_of_sets_that_of_whole_sets():
    rated = predictions(Scale("interval", low=0, high=1), [0.2, 0.9, 0.5], [[0.3], [0.4], [0.5]], [0, 0, 2])
    assert agreement(rated)[0][[0, 2]] == pytest.approx([mean_absolute_error([0.2, 0.9], [0.3, 0.4]), 0])
    sets = predictions(Scale("multilabel", ("a", "b")), [("a",), ("a", "b")], [[0.9, 0.2], [0.9, 0.2]], [1, 1])
    assert agreement(sets)[0][1] == 0.5


def test_nearest_items_are_those_of_another_library():
    vectors = np.random.default_rng(0).normal(size=(30, 5))
    found = NearestNeighbors(n_neighbors=5, metric="cosine").fit(vectors).kneighbors(return_distance=False)
    np.testing.assert_array_equal(nearest(vectors, 5), found)
    assert nearest(vectors[:4], 10).shape == (4, 3)
    assert nearest(np.zeros((3, 2)), 2).tolist() == [[1, 2], [0, 2], [0, 1]]
