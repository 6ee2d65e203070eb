"""The level that most jurors choose: exact, over all ways in which a jury can be spread over the levels."""

import math
from functools import cache
from itertools import combinations_with_replacement

import numpy as np

from perspectives.errors import ConfigError
from perspectives.juries.counts import chunks

MOST_STATES = 5_000  # 12 jurors on 5 levels: 1,820


def plurality(
    answers: np.ndarray,
    pools: np.ndarray,
    seats: np.ndarray,
    event: np.ndarray,
    replacement: bool = False,
    present: np.ndarray | None = None,
) -> np.ndarray:
    """P(the winning level makes the event happen), P(it does not), P(levels of both kinds are tied), [3, item, way].

    answers: [item, annotator, level]. pools: bool [pool, annotator]. seats: [way, pool], all of one total. event: bool
    [level]. Raises ConfigError where a jury can be spread over the levels in more than 5,000 ways.
    """
    levels, total = answers.shape[2], int(seats[0].sum())
    if (count := math.comb(total + levels - 1, levels - 1)) > MOST_STATES:
        raise ConfigError(
            f"plurality of {total} jurors on {levels} levels has {count:,} states, over the {MOST_STATES:,} computed "
            "exactly; use a smaller jury, or trials=10000 to sample"
        )
    votes = np.array(_spreads(total, levels))
    leading = votes == votes.max(1, keepdims=True)
    kinds = np.stack([~(leading & ~event).any(1), ~(leading & event).any(1)]).astype(float)
    kinds = np.concatenate([kinds, 1 - kinds.sum(0, keepdims=True)])  # [3, spread]
    result = np.empty((3, len(answers), len(seats)))
    most = seats.max(0)
    for rows in chunks(len(answers), 24 * sum(math.comb(int(n) + levels, levels) for n in most)):
        tables = []
        for pool, n in zip(map(np.flatnonzero, pools), most, strict=True):
            inside = None if present is None else present[np.ix_(rows, pool)]
            tables.append(_table(answers[np.ix_(rows, pool)], int(n), replacement, inside))
        for way, drawn in enumerate(seats.tolist()):
            spread, size = np.ones((len(rows), 1)), 0
            for table, n in zip(tables, drawn, strict=True):
                spread, size = _together(spread, size, table[n], n, levels), size + n
            result[:, rows, way] = kinds @ spread.T
    return result


def _table(answers: np.ndarray, seats: int, replacement: bool, present: np.ndarray | None) -> list[np.ndarray]:
    """Distributions over spreads of n people of one pool, n from 0 to `seats`: a list of [item, spread].

    It is built up person by person, see `jury_distribution`.
    """
    items, people, levels = answers.shape
    present = np.ones((items, people), bool) if present is None else present
    if replacement:
        mean = np.einsum("ial,ia->il", answers, present / np.where(present.any(1), present.sum(1), 1)[:, None])
        table = [np.ones((items, 1))]
        for n in range(seats):
            table.append(_joined(table[n], mean, n, levels))
        return [np.where((present.sum(1) > 0)[:, None] | (n == 0), spread, np.nan) for n, spread in enumerate(table)]
    table = [np.ones((items, 1)), *(np.zeros((items, len(_spreads(n, levels)))) for n in range(1, seats + 1))]
    seen = np.zeros(items)
    for person in range(people):
        seen += present[:, person]
        for n in range(min(seats, person + 1), 0, -1):
            share = np.where(present[:, person], np.minimum(n / np.maximum(seen, 1), 1), 0)[:, None]
            table[n] += share * (_joined(table[n - 1], answers[:, person], n - 1, levels) - table[n])
    return [np.where((seen >= n)[:, None], spread, np.nan) for n, spread in enumerate(table)]


def _joined(spread: np.ndarray, answer: np.ndarray, size: int, levels: int) -> np.ndarray:
    """Distribution over spreads with one more juror, who says each level with probability `answer`, [item, level]."""
    larger = np.zeros((len(spread), len(_spreads(size + 1, levels))))
    for level, place in enumerate(_sums(size, 1, levels).T):
        larger[:, place] += spread * answer[:, level, None]
    return larger


def _together(a: np.ndarray, size: int, b: np.ndarray, more: int, levels: int) -> np.ndarray:
    """Distribution over spreads of two independent groups of jurors together, [item, spread]."""
    both = np.zeros((len(a), len(_spreads(size + more, levels))))
    for place, chance in zip(_sums(size, more, levels).T, b.T, strict=True):
        both[:, place] += a * chance[:, None]
    return both


@cache
def _spreads(jurors: int, levels: int) -> tuple[tuple[int, ...], ...]:
    """All ways to spread jurors over the levels, as votes per level; those of one juror in the order of the levels."""
    return tuple(
        tuple(chosen.count(level) for level in range(levels))
        for chosen in combinations_with_replacement(range(levels), jurors)
    )


@cache
def _sums(jurors: int, more: int, levels: int) -> np.ndarray:
    """Position of the sum of two spreads, int64 [spread, spread]; sums with one fixed spread are all distinct."""
    position = {spread: place for place, spread in enumerate(_spreads(jurors + more, levels))}
    added = [
        [position[tuple(map(sum, zip(one, other, strict=True)))] for other in _spreads(more, levels)]
        for one in _spreads(jurors, levels)
    ]
    return np.array(added)
