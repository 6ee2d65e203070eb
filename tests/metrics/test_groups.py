"""Metrics of groups: who is in which, the scores of each, what is suppressed, the gap and its interval."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from perspectives.errors import ConfigError, DataError
from perspectives.metrics import individual
from perspectives.metrics.estimate import Estimate
from perspectives.metrics.groups import by_group, chosen_attributes, membership
from perspectives.metrics.intervals import by_item, two_way

NAMES = ["Woman", "Man", "Non-binary", "Other"]
PEOPLE = {"Woman": 30, "Man": 25, "Non-binary": 6, "Other": 4}
ITEMS = 50


def data(seed: int = 0) -> dict[str, np.ndarray]:
    """Every person judges 20 items; men are predicted best, people called Non-binary worst."""
    rng = np.random.default_rng(seed)
    of_person = np.repeat(np.arange(4), list(PEOPLE.values()))
    annotator = np.repeat(np.arange(len(of_person)), 20)
    item = np.concatenate([rng.permutation(ITEMS)[:20] for _ in of_person])
    group = of_person[annotator]
    labels = rng.integers(0, 3, len(item))
    right = rng.random(len(item)) < np.array([0.6, 0.8, 0.3, 0.0])[group]
    predicted = np.where(right, labels, (labels + 1) % 3)
    return {"group": group, "item": item, "annotator": annotator, "labels": labels, "predicted": predicted}


def scorer(d: dict[str, np.ndarray]) -> Callable[[np.ndarray], Estimate]:
    def score(rows: np.ndarray) -> Estimate:
        return individual.macro_f1(d["labels"][rows], d["predicted"][rows], 3).within(rows, len(rows))

    return score


def found(d: dict[str, np.ndarray], lower: bool = False, **options):
    return by_group(scorer(d), d["group"], NAMES, d["item"], d["annotator"], lower, **options)


def test_each_group_is_scored_on_its_pairs_alone():
    d = data()
    result = found(d)
    assert [score.name for score in result.scores] == [*NAMES[:3], "fewer than 5 (1 value)"]
    for code, score in enumerate(result.scores[:3]):
        rows = d["group"] == code
        alone = individual.macro_f1(d["labels"][rows], d["predicted"][rows], 3)
        expected = two_way(alone, d["item"][rows], d["annotator"][rows])
        assert score.interval == expected
        assert score.interval.annotators_fixed == (score.people < 20)
        assert (score.pairs, score.people) == (rows.sum(), PEOPLE[score.name])
        assert score.items == len(set(d["item"][rows]))


def test_small_groups_are_pooled_counted_and_never_the_worst():
    result = found(data())
    pooled = result.scores[-1]
    assert (pooled.people, pooled.pairs, pooled.interval) == (4, 80, None)
    assert result.worst == "Non-binary"  # nobody called Other was predicted right, but they are four
    assert found(data(), minimum=4).worst == "Other"
    larger = found(data(), minimum=7)
    assert larger.scores[-1].name == "fewer than 7 (2 values)"
    assert larger.scores[-1].people == 10
    assert larger.worst == "Woman"
    nobody = found(data(), minimum=100)
    assert (nobody.worst, nobody.gap) == (None, None)
    assert [score.interval for score in nobody.scores] == [None]


def test_the_worst_depends_on_the_direction_and_the_gap_does_not():
    d = data()
    assert found(d, lower=True).worst == "Man"
    assert found(d, lower=True).gap == found(d).gap


@pytest.mark.parametrize(("minimum", "few"), [(5, True), (7, False)])
def test_the_gap_is_highest_minus_lowest_with_the_interval_of_the_difference(minimum, few):
    d = data()
    result = found(d, minimum=minimum)
    low, high = (2 if few else 0), 1
    rows = np.isin(d["group"], [low, high])
    parts = [scorer(d)(d["group"] == code) for code in (high, low)]
    difference = Estimate(parts[0].value - parts[1].value, (parts[0].influence - parts[1].influence)[rows])
    people = () if few else (d["annotator"][rows],)
    assert result.gap == (by_item if few else two_way)(difference, d["item"][rows], *people)
    assert result.gap.value == pytest.approx(max(p.value for p in parts) - min(p.value for p in parts))
    assert result.gap.annotators_fixed == few


def test_pairs_of_nobody_and_names_of_nobody_do_not_count():
    d = data()
    d["group"] = np.where(d["group"] == 1, -1, d["group"])
    result = found(d, minimum=1)
    assert [score.name for score in result.scores] == ["Woman", "Non-binary", "Other"]
    single = found(d | {"group": np.where(d["group"] == 0, 0, -1)})
    assert (len(single.scores), single.worst, single.gap) == (1, None, None)


def test_an_undefined_score_is_neither_worst_nor_best():
    d = data()
    score = scorer(d)

    def partly(rows: np.ndarray) -> Estimate:
        return Estimate(float("nan"), np.full(len(rows), np.nan)) if (d["group"][rows] == 2).all() else score(rows)

    result = by_group(partly, d["group"], NAMES, d["item"], d["annotator"], False)
    assert np.isnan(result.scores[2].interval.value)
    assert result.worst == "Woman"
    assert np.isfinite(result.gap.value)


def test_items_kept_together_are_one_cluster_of_the_interval():
    d = data()
    cluster = d["item"] // 5
    assert found(d, cluster=cluster).scores[0].interval.clusters["item"] == 10
    assert found(d, cluster=cluster).scores[0].items == found(d).scores[0].items


def test_the_interval_of_the_gap_covers_the_true_difference():
    """Two groups of 40 with random personal accuracies; the true gap of the groups is .1."""
    covered, rng = 0, np.random.default_rng(1)
    for _ in range(200):
        person = np.clip(rng.normal(np.repeat([0.55, 0.65], 40), 0.1), 0, 1)
        annotator = np.repeat(np.arange(80), 15)
        item = np.concatenate([rng.permutation(60)[:15] for _ in range(80)])
        right = (rng.random(1200) < person[annotator]).astype(int)

        def score(rows: np.ndarray, right: np.ndarray = right) -> Estimate:
            return individual.accuracy(right[rows], np.ones(rows.sum(), int), 2).within(rows, len(rows))

        gap = by_group(score, annotator // 40, ["a", "b"], item, annotator, False).gap
        covered += gap.low <= 0.1 <= gap.high
    assert 0.90 <= covered / 200 <= 0.99


# Who belongs where. ------------------------------------------------------------------------------------------------


def test_categories_are_groups_the_most_frequent_first():
    values = pd.Series(["b", "a", "a", "unknown", "c", "a", None, "b"])
    got = membership(values)
    assert got.names == ["a", "b", "c"]
    assert got.code.tolist() == [1, 0, 0, -1, 2, 0, -1, 1]
    asked = membership(values, unknown=True)
    assert asked.names == ["a", "b", "c", "unknown"]
    assert asked.code.tolist() == [1, 0, 0, 3, 2, 0, 3, 1]
    assert membership(values[:3], unknown=True).names == ["a", "b"]


def test_numbers_are_divided_at_their_quartiles():
    ages = np.random.default_rng(2).integers(18, 80, 201).astype(float)
    got = membership(pd.Series([*ages, np.nan]))
    q1, q2, q3 = np.quantile(ages, (0.25, 0.5, 0.75))
    assert got.names == [f"up to {q1:g}", f"over {q1:g} to {q2:g}", f"over {q2:g} to {q3:g}", f"over {q3:g}"]
    expected = pd.cut(ages, [-np.inf, q1, q2, q3, np.inf], labels=False)
    assert got.code.tolist() == [*expected, -1]
    assert set(np.bincount(got.code[:-1]) // 10) <= {4, 5}


def test_a_range_that_nobody_is_in_is_no_group():
    found = membership(pd.Series([20.0, 21, 22, 23, 24, *[65.0] * 24]))
    assert found.names == ["up to 65"]
    assert (found.code == 0).all()


def test_few_distinct_numbers_and_truth_values_are_categories():
    assert membership(pd.Series([1.0, 0.0, 1.0, np.nan])).names == ["1", "0"]
    assert membership(pd.Series([True, False, True])).names == ["True", "False"]
    assert len(membership(pd.Series([1, 1, 1, 1, 1, 1, 2, 3, 4, 5])).names) == 3  # two quartiles are the same number


def test_attributes_that_do_not_exist_are_named():
    annotators = pd.DataFrame({"annotator_id": ["p"], "gender": ["Man"], "age": [30]})
    assert chosen_attributes("all", annotators) == ["gender", "age"]
    assert chosen_attributes("age, gender,age", annotators) == ["age", "gender"]
    with pytest.raises(ConfigError, match="there is no attribute 'sex'; choose from gender, age, or all"):
        chosen_attributes("gender,sex", annotators)
    with pytest.raises(DataError, match="the corpus has no demographic attributes to group by"):
        chosen_attributes("gender", annotators[["annotator_id"]])
