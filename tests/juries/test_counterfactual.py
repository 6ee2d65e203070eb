"""Smallest changes that flip a verdict: against going through everything there is."""

import time
from itertools import combinations, product

import numpy as np
import pytest
from brute_force import probabilities

from perspectives.data.scale import Scale
from perspectives.errors import ConfigError
from perspectives.juries.compositions import Seats
from perspectives.juries.counterfactual import fewest_moves, fewest_swaps, pivotal
from perspectives.juries.events import Event
from perspectives.juries.rules import TIES, Rule
from perspectives.juries.seating import every, seated
from perspectives.juries.sweep import simplex
from perspectives.juries.verdicts import Question, verdicts

EVENT = Event.parse(None, Scale("nominal", ("no", "yes")))
RULES = ("majority", "supermajority 2/3", "unanimity", "at_least 2")


def opinions(votes: np.ndarray) -> np.ndarray:
    return np.stack([1 - votes, votes], -1)


def test_fewest_moves_are_the_fewest_of_all_compositions():
    visited = set()
    pools = np.eye(3, dtype=bool)[np.resize([0, 1, 2], 12)].T
    compositions, start = simplex(4, [4, 4, 4]), (2, 1, 1)
    for seed, rule in product(range(2), RULES):
        random = np.random.default_rng(seed)
        votes = np.where(random.random((60, 12)) < 0.7, random.integers(0, 2, (60, 12)), random.random((60, 12)))
        votes = np.clip(votes + random.normal(0, 0.2, (60, 1)), 0, 1)
        question = Question(EVENT, Rule.parse(rule))
        found = fewest_moves(
            verdicts(opinions(votes), every(pools, compositions), question).outcome, compositions, start
        )
        alone = {}
        for counts in product(range(5), repeat=3):
            if sum(counts) == 4:
                bench = [Seats(n, "", pool) for n, pool in zip(counts, pools, strict=True)]
                alone[counts] = verdicts(opinions(votes), seated(bench), question).outcome[:, 0]
        assert len(alone) == len(compositions) == 15
        for item, first in enumerate(alone[start]):
            distance = {c: np.abs(np.subtract(c, start)).sum() / 2 for c in alone if alone[c][item] == -first}
            wanted = np.nan if first == 0 else min(distance.values(), default=np.inf)
            assert found.moves[item] == pytest.approx(wanted, nan_ok=True)
            there = tuple(found.composition[item].tolist())
            assert distance[there] == wanted if np.isfinite(wanted) else there == (-1, -1, -1)
            visited.add(str(wanted))
    assert visited == {"1.0", "2.0", "3.0", "inf", "nan"}


def test_missing_and_hung_verdicts_are_no_opposite():
    compositions = np.array([[2, 0], [1, 1], [0, 2]])
    outcome = np.array([[1, 0, 0], [0, 1, -1], [1, 0, -1], [-1, 1, 1]], np.int8)
    found = fewest_moves(outcome, compositions, [2, 0])
    np.testing.assert_array_equal(found.moves, [np.inf, np.nan, 2, 1])
    assert found.composition.tolist() == [[-1, -1], [-1, -1], [0, 2], [1, 1]]


def test_the_designs_example_is_not_reached_step_by_step():
    """Pool A 4 of 7, pool B 3 of 5: one seat to the more positive B makes a positive verdict less likely."""
    votes = np.array([[1] * 4 + [0] * 3 + [1] * 3 + [0] * 2], float)
    pools = np.stack([np.arange(12) < 7, np.arange(12) >= 7])
    compositions = simplex(7, [7, 5])
    found = verdicts(opinions(votes), every(pools, compositions), Question(EVENT))
    where, change = pivotal(found.positive, compositions, [7, 0])
    assert where.tolist() == [1]
    assert change[0] == pytest.approx(0.7714 - 1, abs=1e-4)


def test_the_pivotal_pool_is_that_of_the_largest_change():
    random = np.random.default_rng(0)
    compositions = simplex(5, [5, 5, 3])
    positive = random.random((40, len(compositions)))
    positive[5:10, random.random(len(compositions)) < 0.4] = np.nan
    start = [2, 2, 1]
    where, change = pivotal(positive, compositions, start)
    at = {tuple(c): place for place, c in enumerate(compositions.tolist())}
    for item in range(40):
        moved = {}
        for gives, gains in product(range(3), repeat=2):
            other = np.array(start)
            other[gives] -= 1
            other[gains] += 1
            if gives != gains and tuple(other) in at:
                moved[gains, gives] = positive[item, at[tuple(other)]] - positive[item, at[tuple(start)]]
        known = {key: size for key, size in moved.items() if not np.isnan(size)}
        if not known:
            assert (where[item], np.isnan(change[item])) == (-1, True)
            continue
        best = max(known, key=lambda key: abs(known[key]))
        assert where[item] == best[0]
        assert change[item] == pytest.approx(known[best])
    assert (where[:5] >= 0).all()


def test_no_pool_is_pivotal_where_nothing_changes_or_nobody_can_move():
    where, change = pivotal(np.array([[0.3, 0.3 + 1e-16, 0.3]] * 2), np.array([[2, 0], [1, 1], [0, 2]]), [1, 1])
    assert where.tolist() == [-1, -1]
    assert change == pytest.approx([0, 0])
    where, change = pivotal(np.zeros((2, 1)), np.array([[1, 1]]), [1, 1])
    assert where.tolist() == [-1, -1]
    assert np.isnan(change).all()


def test_a_composition_that_was_not_swept_is_refused():
    for function in (pivotal, fewest_moves):
        with pytest.raises(ConfigError, match=r"composition \[3, 0\] is not one of the sweep; start from one of them"):
            function(np.zeros((1, 1)), np.array([[1, 1]]), [3, 0])


def test_a_large_sweep_is_searched_in_seconds():
    random = np.random.default_rng(0)
    compositions = simplex(12, [12] * 5)
    positive = random.random((2000, len(compositions)))
    outcome = (positive > 0.9).astype(np.int8) - (positive < 0.1)
    start = [4, 2, 2, 2, 2]
    began = time.perf_counter()
    fewest_moves(outcome, compositions, start)
    pivotal(positive, compositions, start)
    assert compositions.shape == (1820, 5)
    assert time.perf_counter() - began < 10


# Exchanges of named jurors. ----------------------------------------------------------------------------------------


def test_fewest_swaps_are_the_fewest_of_all_exchanges():
    visited = {"flipped": 0, "hung": 0, "never": 0, "several": 0}
    random = np.random.default_rng(0)
    for size, text, tie, hard, _ in product((2, 3, 4), RULES, TIES, (False, True), range(3)):
        rule = Rule.parse(text)
        people = size + int(random.integers(0, 4))
        votes = random.beta(0.4, 0.4, people)
        votes = np.round(votes) if hard else votes
        jury = random.choice(people, size, replace=False).tolist()

        def outcome(members, votes=votes, rule=rule, tie=tie) -> int:
            bench = [Seats(1, "", np.arange(len(votes)) == member) for member in members]
            of_labels = EVENT.levels, EVENT.scale.values, EVENT.holds_of
            positive, negative = probabilities(opinions(votes), bench, *of_labels, rule, tie, False, False)
            return int(positive > 0.5 + 1e-9) - int(negative > 0.5 + 1e-9)

        first, outside = outcome(jury), [person for person in range(people) if person not in jury]
        exchanges = (
            (count, leaving, joining)
            for count in range(1, min(size, len(outside)) + 1)
            for leaving in combinations(jury, count)
            for joining in combinations(outside, count)
        )
        wanted = next((e[0] for e in exchanges if outcome([*(set(jury) - set(e[1])), *e[2]]) == -first), np.inf)
        (swaps,), (exchanged,) = fewest_swaps(votes[None], jury, Question(EVENT, rule, tie))
        assert swaps == pytest.approx(np.nan if first == 0 else wanted, nan_ok=True)
        visited["hung" if first == 0 else "flipped" if np.isfinite(wanted) else "never"] += 1
        visited["several"] += first != 0 and 1 < wanted < np.inf
        if first == 0 or np.isinf(wanted):
            assert exchanged == []
            continue
        gone, come = map(set, zip(*exchanged, strict=True))
        assert gone <= set(jury)
        assert come <= set(outside)
        assert len(gone) == len(come) == wanted
        assert outcome([*(set(jury) - gone), *come]) == -first
    assert sum(visited.values()) - visited["several"] == 288
    assert min(visited.values()) > 10


def test_exchanges_are_certified_for_monotone_rules_only():
    with pytest.raises(ConfigError, match="rule median: exchanges of named jurors need a rule that counts votes"):
        fewest_swaps(np.zeros((1, 3)), [0], Question(EVENT, Rule("median")))
