"""The smallest change of a jury that flips its verdict, certified: nothing smaller does.

Moving one seat after the other to the pool with more votes for the event is not enough. Of pool A 4 of 7 people vote
for it, of pool B 3 of 5: seven jurors from A decide for it with certainty, six and one from B with probability .771. So
all compositions at distance 1 are tried, then all at distance 2, and so on.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from perspectives.errors import ConfigError
from perspectives.juries.counts import named_counts
from perspectives.juries.rules import weights
from perspectives.juries.seating import every
from perspectives.juries.sweep import simplex
from perspectives.juries.verdicts import ROUNDING, Question, verdicts

Judge = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False)
class Counterfactual:
    """Fewest seat moves (half the L1 distance between compositions) that turn a verdict into its opposite.

    moves: float [item]; inf where no composition does, nan where the jury has no verdict to flip. composition: the
    first that does, int64 [item, pool]; -1 where there is none. compositions: how many there are.
    """

    moves: np.ndarray
    composition: np.ndarray
    compositions: int


def fewest_moves(
    answers: np.ndarray, pools: np.ndarray, start: Sequence[int], question: Question, present: np.ndarray | None = None
) -> Counterfactual:
    """The counterfactuals of one composition over disjoint pools.

    answers: [item, annotator, level]. pools: bool [pool, annotator]. start: seats per pool. Raises ConfigError where
    there are too many compositions to try (see `simplex`).
    """
    origin = np.asarray(start)
    size = int(origin.sum())
    capacity = [size if question.replacement else min(size, int(pool.sum())) for pool in pools]
    others = simplex(size, capacity)
    distance = np.abs(others - origin).sum(1) // 2

    def outcome(rows: np.ndarray, compositions: np.ndarray) -> np.ndarray:
        inside = None if present is None else present[rows]
        return verdicts(answers[rows], every(pools, compositions), question, inside).outcome

    first = outcome(np.arange(len(answers)), origin[None])[:, 0]
    moves = np.where(first == 0, np.nan, np.inf)
    composition = np.full((len(answers), len(pools)), -1)
    for ring in range(1, int(distance.max()) + 1):
        candidates = others[distance == ring]
        open_items = np.flatnonzero(np.isinf(moves))
        if not len(open_items) or not len(candidates):
            continue
        flipped = outcome(open_items, candidates) == -first[open_items, None]
        found = flipped.any(1)
        moves[open_items[found]] = ring
        composition[open_items[found]] = candidates[flipped[found].argmax(1)]
    return Counterfactual(moves, composition, len(others))


def pivotal(positive: np.ndarray, compositions: np.ndarray, start: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """The pool to which moving one seat changes P(positive) most: its position int64 [item] and the change [item].

    positive: of all compositions, [item, composition], as a sweep has them. The seat may come from any other pool. The
    position is -1 and the change nan where no seat can be moved.
    """
    difference = compositions - np.asarray(start)
    here = np.flatnonzero((difference == 0).all(1))
    if not len(here):
        raise ConfigError(f"composition {list(map(int, start))} is none of those swept")
    neighbours = np.flatnonzero(np.abs(difference).sum(1) == 2)
    gaining = difference[neighbours].argmax(1)
    change = positive[:, neighbours] - positive[:, here]
    size = np.where(np.isnan(change), -1.0, np.abs(change))
    if not len(neighbours):
        return np.full(len(positive), -1), np.full(len(positive), np.nan)
    best = size.argmax(1)
    moved = change[np.arange(len(change)), best]
    return np.where(np.isnan(moved), -1, gaining[best]), moved


def fewest_swaps(
    votes: np.ndarray, jury: Sequence[int], question: Question
) -> tuple[np.ndarray, list[list[tuple[int, int]]]]:
    """Fewest named jurors to exchange for others so that a verdict becomes its opposite.

    votes: probability of a vote for the event, [item, annotator]. jury: positions of its members. Returns the number of
    exchanges, float [item] (inf: none does; nan: no verdict to flip), and for each item who leaves for whom.

    Every counting rule is monotone: whoever votes for the event with a larger probability makes a positive verdict
    likelier and a negative one less so. So the best k exchanges put the k people outside who are most inclined in place
    of the k jurors who are least, and no other k do better. Raises ConfigError for other rules.
    """
    if not question.rule.counting:
        raise ConfigError(
            f"exchanges of named jurors are certified for rules that count votes; rule is {question.rule}"
        )
    seats = len(jury)
    shares = weights(question.rule.outcomes(seats), question.tie)
    outside = np.setdiff1d(np.arange(votes.shape[1]), jury)
    swaps = np.full(len(votes), np.inf)
    exchanged: list[list[tuple[int, int]]] = [[] for _ in votes]
    for item, chances in enumerate(votes):
        first = _outcome(chances[list(jury)], shares)
        if first == 0:
            swaps[item] = np.nan
            continue
        leaving = sorted(
            jury, key=lambda person: -first * chances[person]
        )  # a positive verdict loses its firmest votes
        joining = sorted(outside, key=lambda person: first * chances[person])
        for count in range(1, min(seats, len(outside)) + 1):
            members = [*leaving[count:], *joining[:count]]
            if _outcome(chances[members], shares) == -first:
                swaps[item] = count
                exchanged[item] = [(int(a), int(b)) for a, b in zip(leaving[:count], joining[:count], strict=True)]
                break
    return swaps, exchanged


def _outcome(chances: np.ndarray, shares: np.ndarray) -> int:
    """Verdict of a jury of named people; chances: [juror]."""
    positive, negative = shares @ named_counts(chances)
    return int(positive > 0.5 + ROUNDING) - int(negative > 0.5 + ROUNDING)
