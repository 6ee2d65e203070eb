"""Distributions over juries, built up person by person: exact for anything that adds up over jurors.

Of all juries of n out of the first m people, a share n / m contains person m, beside n − 1 of the people before. So the
distribution for m people follows from that for m − 1, every step is a weighted mean, and nothing overflows or cancels.
"""

from collections.abc import Callable

import numpy as np

Add = Callable[[np.ndarray, np.ndarray], np.ndarray]


def jury_distribution(
    start: np.ndarray,
    answers: np.ndarray,
    seats: int,
    add: Add,
    replacement: bool = False,
    present: np.ndarray | None = None,
) -> np.ndarray:
    """Distribution of the state of a jury of n drawn from a pool, float64 [item, n, state], n from 0 to `seats`.

    start: distribution of the empty jury, [item, 1, state]. answers: of the members of the pool, [item, member,
    level]. add: from the distributions of some juries, [item, n, state], and the answers of a juror who joins them,
    [item, 1, level], to the distributions of the larger juries. present: [item, member], see `counts`. Rows are nan
    where fewer than n people are present; with replacement, where nobody is.
    """
    present = np.ones(answers.shape[:2], bool) if present is None else present
    if replacement:
        size = present.sum(1)
        mean = np.einsum("ial,ia->il", answers, present / np.where(size > 0, size, 1)[:, None])[:, None]
        rows = [start]
        for _ in range(seats):
            rows.append(add(rows[-1], mean))
        states = np.concatenate(rows, 1)
        states[size == 0, 1:] = np.nan
        return states
    states = np.concatenate([start, np.zeros((len(start), seats, start.shape[2]))], 1)
    seen = np.zeros(len(start))
    seat = np.arange(1, seats + 1)
    for person in range(answers.shape[1]):
        seen += present[:, person]
        share = np.where(present[:, person, None], np.minimum(seat / np.maximum(seen, 1)[:, None], 1), 0)[:, :, None]
        states[:, 1:] += share * (add(states[:, :-1], answers[:, person, None]) - states[:, 1:])
    states[np.arange(seats + 1) > seen[:, None]] = np.nan
    return states


def one_more(states: np.ndarray, answer: np.ndarray) -> np.ndarray:
    """An `add` whose state is a number, to which level j of the answer adds j; [item, n, number]."""
    larger = states * answer[..., :1]
    for step in range(1, answer.shape[2]):
        larger[..., step:] += states[..., :-step] * answer[..., step, None]
    return larger


def pool_tables(
    start: np.ndarray,
    answers: np.ndarray,
    pools: np.ndarray,
    seats: int,
    replacement: bool = False,
    present: np.ndarray | None = None,
) -> np.ndarray:
    """Distributions of sums of levels over juries drawn from each pool, [item, pool, n, sum], n from 0 to `seats`.

    pools: bool [pool, annotator]. answers: of everyone, [item, annotator, level]; the rest as in `jury_distribution`.
    """
    tables = []
    for pool in pools:
        inside = None if present is None else present[:, pool]
        tables.append(jury_distribution(start, answers[:, pool], seats, one_more, replacement, inside))
    return np.stack(tables, 1)
