"""Compositions as juries of disjoint pools, so that votes of different pools are independent.

Overlapping pools are drawn from in the listed order, and nobody sits twice. Cutting them into sets of people who belong
to the same pools turns such a jury into one of several juries of disjoint sets, each with a known probability, so
verdicts stay exact.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from perspectives.errors import ConfigError
from perspectives.juries.compositions import Seats

MOST_WAYS = 5_000


@dataclass(frozen=True, eq=False)
class Seating:
    """Some compositions over disjoint pools.

    pools: bool [pool, annotator], disjoint unless seats are drawn with replacement. seats: int64 [way, pool].
    weight: probability of the way, float64 [way]. composition: int64 [way], ascending; the weights of each
    composition's ways sum to 1.
    """

    pools: np.ndarray
    seats: np.ndarray
    weight: np.ndarray
    composition: np.ndarray

    @property
    def size(self) -> int:
        """Number of compositions."""
        return int(self.composition[-1]) + 1


def seated(pools: Sequence[Seats], counts: np.ndarray | None = None, replacement: bool = False) -> Seating:
    """Compositions of seats drawn from pools in the listed order.

    counts: seats per pool, int [composition, pool]; None for one composition, of the counts in `pools`.
    Raises ConfigError for a pool with fewer people than seats, and for pools that overlap in too many ways.
    """
    counts = np.array([[pool.count for pool in pools]]) if counts is None else np.asarray(counts)
    members = np.stack([pool.members for pool in pools])
    names = [pool.pool for pool in pools]
    if replacement:
        for name, who in zip(names, members, strict=True):
            if not who.any():
                raise ConfigError(f"pool {name} is empty; use a wider pool")
        return every(members, counts)
    if (members.sum(0) <= 1).all():
        for place, name in enumerate(names):
            refuse_short(name, int(members[place].sum()), int(counts[:, place].max()))
        return every(members, counts)
    return _overlapping(members, names, counts)


def every(members: np.ndarray, counts: np.ndarray) -> Seating:
    """Compositions over disjoint pools, one way each; a pool may have fewer people than seats."""
    return Seating(members, counts, np.ones(len(counts)), np.arange(len(counts)))


def _overlapping(members: np.ndarray, names: Sequence[str], counts: np.ndarray) -> Seating:
    patterns, kind = np.unique(members, axis=1, return_inverse=True)
    used = np.flatnonzero(patterns.any(0))
    sets = kind.ravel() == used[:, None]  # [set, annotator]
    sizes, belongs = sets.sum(1), patterns[:, used]
    seats, weight, composition = [], [], []
    for number, wanted in enumerate(counts):
        ways = {(0,) * len(sizes): 1.0}
        for name, inside, count in zip(names, belongs, wanted.tolist(), strict=True):
            ways = _drawn(ways, name, np.flatnonzero(inside), count, sizes)
        seats += list(ways)
        weight += list(ways.values())
        composition += [number] * len(ways)
    return Seating(sets, np.array(seats), np.array(weight), np.array(composition))


def _drawn(
    ways: dict[tuple[int, ...], float], name: str, inside: np.ndarray, count: int, sizes: np.ndarray
) -> dict[tuple[int, ...], float]:
    """Ways to seat `count` more people, from the sets that make up a pool, with their probabilities."""
    more: dict[tuple[int, ...], float] = {}
    for taken, weight in ways.items():
        free = [int(sizes[place]) - taken[place] for place in inside]
        refuse_short(name, sum(free), count, " left")
        for split in product(*[range(min(count, left) + 1) for left in free]):
            if sum(split) != count:
                continue
            chance = math.prod(map(math.comb, free, split)) / math.comb(sum(free), count)
            new = list(taken)
            for place, drawn in zip(inside, split, strict=True):
                new[place] += drawn
            more[tuple(new)] = more.get(tuple(new), 0.0) + weight * chance
    if len(more) > MOST_WAYS:
        raise ConfigError(
            f"pool {name} overlaps with others in more than {MOST_WAYS:,} ways; use fewer pools, or disjoint ones"
        )
    return more


def refuse_short(name: str, people: int, seats: int, which: str = "") -> None:
    """Raises ConfigError for a pool with fewer people than seats. which: of these people, in the message."""
    if people < seats:
        raise ConfigError(
            f"pool {name} has {people} people{which} but {seats} seats; use fewer seats, or replacement=true to let "
            "people sit several times"
        )
