"""Overlapping pools as juries of disjoint sets: against juries drawn at random, and against counting."""

import numpy as np
import pytest
from brute_force import juries
from hypothesis import given, settings
from hypothesis import strategies as st

from perspectives.errors import ConfigError
from perspectives.juries import seating as module
from perspectives.juries.compositions import Seats
from perspectives.juries.sampling import drawn
from perspectives.juries.seating import seated


def pools(*members: list[int], counts: list[int], people: int) -> list[Seats]:
    return [
        Seats(count, f"p{n}", np.isin(np.arange(people), inside))
        for n, (count, inside) in enumerate(zip(counts, members, strict=True))
    ]


@settings(max_examples=80, deadline=None, derandomize=True)
@given(st.data())
def test_chances_of_sitting_are_those_of_all_juries(data):
    """Each person's chance to sit, by way of the disjoint sets and by going through every jury."""
    people = data.draw(st.integers(3, 7))
    inside = data.draw(st.lists(st.lists(st.integers(0, people - 1), min_size=1, unique=True), min_size=2, max_size=3))
    counts = data.draw(st.lists(st.integers(0, 2), min_size=len(inside), max_size=len(inside)))
    bench = pools(*inside, counts=counts, people=people)
    try:
        found = seated(bench)
    except ConfigError as refusal:
        assert "seats; use fewer seats, or replacement=true" in str(refusal)  # noqa: PT017
        return
    assert found.weight.sum() == pytest.approx(1)
    assert (found.pools.sum(0) <= 1).all()
    assert (found.seats.sum(1) == sum(counts)).all()
    chance = (found.weight[:, None] * found.seats / found.pools.sum(1)).sum(0) @ found.pools
    wanted = np.zeros(people)
    for jury, probability in juries(bench, replacement=False):
        wanted[list(jury)] += probability
    assert chance == pytest.approx(wanted)


def test_ways_come_as_often_as_juries_are_drawn():
    bench = pools([0, 1, 2, 3, 4], [3, 4, 5, 6], [6, 7, 8, 0], counts=[3, 2, 2], people=9)
    found = seated(bench)
    random = np.random.default_rng(0)
    seats = np.stack([found.pools[:, drawn(bench, False, random)].sum(1) for _ in range(4000)])
    for way, weight in zip(found.seats, found.weight, strict=True):
        share = (seats == way).all(1).mean()
        assert share == pytest.approx(weight, abs=4.5 * np.sqrt(weight * (1 - weight) / 4000) + 1e-12)
    assert len(found.weight) > 5


def test_weights_of_each_composition_sum_to_one():
    bench = pools([0, 1, 2, 3], [2, 3, 4, 5], counts=[0, 0], people=6)
    found = seated(bench, np.array([[2, 1], [0, 3], [3, 2]]))
    assert found.size == 3
    assert np.bincount(found.composition, found.weight) == pytest.approx([1, 1, 1])
    assert (np.diff(found.composition) >= 0).all()


def test_disjoint_pools_have_one_way_and_zero_seats_are_no_seats():
    found = seated(pools([0, 1], [2, 3, 4], counts=[0, 2], people=6))
    assert found.weight.tolist() == [1]
    assert found.seats.tolist() == [[0, 2]]


def test_with_replacement_pools_stay_as_they_are():
    bench = pools([0, 1], [1], counts=[3, 4], people=3)
    found = seated(bench, replacement=True)
    assert found.seats.tolist() == [[3, 4]]
    assert found.pools.tolist() == [[True, True, False], [False, True, False]]
    random = np.random.default_rng(0)
    assert set(drawn(bench, True, random)[3:]) == {1}


def test_short_pools_are_named_with_both_numbers():
    with pytest.raises(ConfigError) as refusal:
        seated(pools([0, 1], [2, 3], counts=[1, 3], people=4))
    assert str(refusal.value) == (
        "pool p1 has 2 people but 3 seats; use fewer seats, or replacement=true to let people sit several times"
    )
    with pytest.raises(ConfigError, match="pool p1 has 1 people left but 2 seats"):
        seated(pools([0, 1, 2], [1, 2, 3], counts=[2, 2], people=4))
    with pytest.raises(ConfigError, match="pool p1 has 1 people but 2 seats"):
        drawn(pools([0, 1], [0, 1, 2], counts=[2, 2], people=4), False, np.random.default_rng(0))
    with pytest.raises(ConfigError, match="pool p1 is empty; use a wider pool"):
        seated(pools([0], [], counts=[1, 1], people=2), replacement=True)


def test_too_many_ways_are_refused(monkeypatch):
    monkeypatch.setattr(module, "MOST_WAYS", 2)
    with pytest.raises(ConfigError, match="pool p0 overlaps with others in more than 2 ways; use fewer pools"):
        seated(pools([0, 1, 2, 3], [2, 3, 4, 5], counts=[2, 2], people=6))
