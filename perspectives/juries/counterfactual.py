"""The smallest change of a jury that flips its verdict, certified: nothing smaller does.

Moving one seat after another to the pool with more votes for the event is not enough. In pool A 4 of 7 people vote
for it, in pool B 3 of 5: seven jurors from A decide for it with certainty, six from A and one from B with probability
.771. So all compositions are examined, in order of distance.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perspectives.errors import ConfigError
from perspectives.juries.counts import named_counts
from perspectives.juries.rules import weights
from perspectives.juries.verdicts import ROUNDING, Question


@dataclass(frozen=True, eq=False)
class Counterfactual:
    """Fewest seat moves (half the L1 distance between compositions) that turn a verdict into its opposite.

    moves: float [item]; inf where no composition does, nan where the jury has no verdict to flip. composition: the
    first one that does, int64 [item, pool]; -1 where there is none.
    """

    moves: np.ndarray
    composition: np.ndarray


def fewest_moves(outcome: np.ndarray, compositions: np.ndarray, start: Sequence[int]) -> Counterfactual:
    """The counterfactuals of one composition among all of a sweep.

    outcome: verdicts 1, -1 or 0, int8 [item, composition]. compositions: seats, int64 [composition, pool]. start: one
    of them. Raises ConfigError when it is not one of them.
    """
    first = outcome[:, _place(compositions, start)]
    distance = np.abs(compositions - np.asarray(start)).sum(1) // 2
    rings = np.argsort(distance, kind="stable")
    opposite = outcome[:, rings] == -first[:, None]
    flipped = opposite.any(1) & (first != 0)
    nearest = rings[opposite.argmax(1)]
    moves = np.where(first == 0, np.nan, np.where(flipped, distance[nearest], np.inf))
    return Counterfactual(moves, np.where(flipped[:, None], compositions[nearest], -1))


def pivotal(positive: np.ndarray, compositions: np.ndarray, start: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """The pool to which moving one seat changes P(positive) most: its position, int64 [item], and the change, [item].

    positive: P(positive) of all compositions of a sweep, [item, composition]. The seat may come from any other pool.
    The position is -1 where no move changes anything, and the change nan where no seat can be moved.
    """
    place = _place(compositions, start)
    difference = compositions - np.asarray(start)
    neighbours = np.flatnonzero(np.abs(difference).sum(1) == 2)
    if not len(neighbours):
        return np.full(len(positive), -1), np.full(len(positive), np.nan)
    change = positive[:, neighbours] - positive[:, [place]]
    best = np.where(np.isnan(change), -1, np.abs(change)).argmax(1)
    moved = change[np.arange(len(change)), best]
    return np.where(np.abs(moved) > ROUNDING, difference[neighbours].argmax(1)[best], -1), moved


def _place(compositions: np.ndarray, start: Sequence[int]) -> int:
    places = np.flatnonzero((compositions == np.asarray(start)).all(1))
    if not len(places):
        raise ConfigError(f"composition {list(map(int, start))} is not one of the sweep; start from one of them")
    return int(places[0])


def fewest_swaps(
    votes: np.ndarray, jury: Sequence[int], question: Question, eligible: np.ndarray | None = None
) -> tuple[np.ndarray, list[list[tuple[int, int]]]]:
    """The smallest number of named jurors to exchange for others so that a verdict becomes its opposite.

    votes: probability of a vote for the event, [item, annotator]. jury: positions of its members. eligible: who may
    join, bool [annotator]; None: everybody. Returns the number of exchanges, float [item] (inf: none does; nan: no
    verdict to flip), and for each item who leaves for whom.

    Every counting rule is monotone: whoever votes for the event with a larger probability makes a positive verdict
    more likely and a negative one less. So the best k exchanges replace the k jurors least inclined to it by the k
    others most inclined, and no other k do better. Raises ConfigError for other rules.
    """
    if not question.rule.counting:
        raise ConfigError(
            f"rule {question.rule}: exchanges of named jurors need a rule that counts votes, such as majority"
        )
    seats = len(jury)
    shares = weights(question.rule.outcomes(seats), question.tie)
    outside = np.setdiff1d(np.arange(votes.shape[1]) if eligible is None else np.flatnonzero(eligible), jury)
    swaps = np.full(len(votes), np.inf)
    exchanged: list[list[tuple[int, int]]] = [[] for _ in votes]
    for item, chances in enumerate(votes):
        first = _outcome(chances[list(jury)], shares)
        if first == 0:
            swaps[item] = np.nan
            continue
        leaving = sorted(jury, key=lambda person: -first * chances[person])  # a positive verdict's firmest votes first
        joining = sorted(outside, key=lambda person: first * chances[person])
        for count in range(1, min(seats, len(outside)) + 1):
            members = [*leaving[count:], *joining[:count]]
            if _outcome(chances[members], shares) == -first:
                swaps[item] = count
                exchanged[item] = [(int(a), int(b)) for a, b in zip(leaving[:count], joining[:count], strict=True)]
                break
    return swaps, exchanged


def _outcome(chances: np.ndarray, shares: np.ndarray) -> int:
    """Verdict of a jury of named people, 1, -1 or 0; chances: of a vote for the event, [juror]."""
    positive, negative = shares @ named_counts(chances)
    return int(positive > 0.5 + ROUNDING) - int(negative > 0.5 + ROUNDING)
