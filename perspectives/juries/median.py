"""The median of the jurors' levels: the exact probability that it makes the event happen.

The median of an odd jury is the level of its middle juror; that of an even jury is the midpoint of the levels of its
two middle jurors, the lower and the upper median.
"""

from dataclasses import dataclass

import numpy as np

from perspectives.juries.counts import count_distributions, expected
from perspectives.juries.events import Event
from perspectives.juries.jury_distribution import pool_tables


def median(
    answers: np.ndarray,
    pools: np.ndarray,
    seats: np.ndarray,
    event: Event,
    replacement: bool = False,
    present: np.ndarray | None = None,
) -> np.ndarray:
    """P(the median makes the event happen), float64 [item, way].

    answers: [item, annotator, level]. pools: bool [pool, annotator]. seats: [way, pool], all of one total. event: a
    comparison with one level. present: bool [item, annotator], who can be drawn for an item; None for everyone.
    """
    juries = _Juries(answers, pools, seats, replacement, present)
    positive = _odd(juries, event) if juries.total % 2 else _even(juries, event)
    return np.clip(positive, 0, 1)


@dataclass(frozen=True, eq=False)
class _Juries:
    """The juries of `median`, of which it asks how many jurors say at most or at least some level."""

    answers: np.ndarray
    pools: np.ndarray
    seats: np.ndarray
    replacement: bool
    present: np.ndarray | None

    @property
    def total(self) -> int:
        return int(self.seats[0].sum())

    @property
    def last(self) -> int:
        """The highest level."""
        return self.answers.shape[2] - 1

    def upper_median(self) -> list[np.ndarray]:
        """P(the upper median is at most each level), a list of [item, way]; of an odd jury, it is the median."""
        certain = np.ones((len(self.answers), len(self.seats)))
        return [*[self._at_most(level, self.total // 2 + 1) for level in range(self.last)], certain]

    def _at_most(self, level: int, jurors: int) -> np.ndarray:
        """P(at least so many jurors say `level` or less), [item, way]."""
        below = np.clip(self.answers[..., : level + 1].sum(-1), 0, 1)
        tables = count_distributions(below, self.pools, int(self.seats.max()), self.replacement, self.present)
        return expected(tables, self.seats, (np.arange(self.total + 1) >= jurors)[None].astype(float))[0]

    def halves(self, low: int, high: int) -> np.ndarray:
        """P(half of the jury says `low` or less and the other half `high` or more), [item, way]; 0 beyond the scale."""
        if low < 0 or high > self.last:
            return np.zeros((len(self.answers), len(self.seats)))
        sides = np.stack([self.answers[..., high:].sum(-1), self.answers[..., : low + 1].sum(-1)], -1)
        most = int(self.seats.max())
        start = np.zeros((len(self.answers), 1, most + 1))
        start[..., 0] = 1
        tables = pool_tables(start, sides, self.pools, most, self.replacement, self.present)
        return expected(tables, self.seats, (np.arange(self.total + 1) == self.total // 2)[None].astype(float))[0]


def _odd(juries: _Juries, event: Event) -> np.ndarray:
    """Σ P(median = level) over the levels that make the event happen, [item, way]."""
    chance = np.diff(np.stack(juries.upper_median()), axis=0, prepend=0)
    return np.tensordot(event.holds_of(event.scale.values).astype(float), chance, 1)


def _even(juries: _Juries, event: Event) -> np.ndarray:
    """Σ P(lower median = low, upper = high) over the pairs whose midpoint makes the event happen, [item, way]."""
    values, last, upper = event.scale.values, juries.last, juries.upper_median()
    halves = {(low, high): juries.halves(low, high) for low in range(-1, last + 1) for high in range(low + 1, last + 2)}
    positive = np.zeros_like(upper[-1])
    for high in range(last + 1):
        equal = upper[high] - (upper[high - 1] if high else 0)  # P(upper = high), of which lower pairs are subtracted
        for low in range(high):
            pair = halves[low, high] - halves[low - 1, high] - halves[low, high + 1] + halves[low - 1, high + 1]
            equal = equal - pair
            positive += pair * event.holds_of((values[low] + values[high]) / 2)
        positive += equal * event.holds_of(values[high])
    return positive
