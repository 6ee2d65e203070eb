"""What juries of given compositions would decide: exact probabilities of their verdicts.

For every pool there is one table of the jurors drawn from it (votes for the event, or the sum of their levels), for all
numbers of seats. Juries of several pools are products of generating functions, and a rule is a sum over the result; so
one table serves every composition of a sweep.
"""

from dataclasses import dataclass

import numpy as np

from perspectives.errors import ConfigError
from perspectives.juries.counts import chunks, count_distributions
from perspectives.juries.events import Event
from perspectives.juries.jury_distribution import jury_distribution, one_more
from perspectives.juries.plurality import plurality
from perspectives.juries.rules import Rule, weights
from perspectives.juries.seating import Seating

MAJORITY = Rule("majority")


@dataclass(frozen=True)
class Question:
    """What is asked of a jury: the event, the rule, what undecided juries count as (`rules.TIES`), whether everyone
    votes by their most likely level (hard) or at random as predicted, and whether people may sit several times."""

    event: Event
    rule: Rule = MAJORITY
    tie: str = "hung"
    hard: bool = False
    replacement: bool = False


@dataclass(frozen=True, eq=False)
class Verdicts:
    """Probabilities that juries decide for and against the event, float64 [item, composition]; the rest is hung.

    nan where a pool has too few people for the item. error: standard error where they were sampled; None: exact.
    """

    positive: np.ndarray
    negative: np.ndarray
    error: np.ndarray | None = None

    @property
    def hung(self) -> np.ndarray:
        return np.clip(1 - self.positive - self.negative, 0, 1)

    @property
    def outcome(self) -> np.ndarray:
        """The verdict: the outcome with probability above 1/2; 1, -1 or 0 (hung, or none), int8 [item, composition]."""
        return (self.positive > 0.5 + ROUNDING).astype(np.int8) - (self.negative > 0.5 + ROUNDING)


ROUNDING = 1e-9  # a probability this close to 1/2 is a draw


def verdicts(answers: np.ndarray, seating: Seating, question: Question, present: np.ndarray | None = None) -> Verdicts:
    """The verdicts of all compositions on all items.

    answers: predicted probabilities, float [item, annotator, level], or ratings [item, annotator, 1]; an annotator axis
    of length 1 stands for everybody. present: bool [item, annotator], who can be drawn for an item; None for everyone.

    Raises ConfigError where the rule does not fit the event or the scale, or has no exact solution (see `sampling`).
    """
    people = seating.pools.shape[1]
    answers = np.broadcast_to(answers, (len(answers), people, answers.shape[2]))
    positive, negative = np.empty((2, len(answers), seating.size))
    for total in np.unique(seating.seats.sum(1)):
        ways = np.flatnonzero(seating.seats.sum(1) == total)
        compositions, place = np.unique(seating.composition[ways], return_inverse=True)
        share = np.zeros((len(ways), len(compositions)))
        share[np.arange(len(ways)), place] = seating.weight[ways]
        one_each = len(ways) == len(compositions)
        for rows in chunks(len(answers), 8 * people * answers.shape[2]):
            inside = None if present is None else present[rows]
            outcome = _outcomes(answers[rows], seating.pools, seating.seats[ways], question, inside)
            outcome = outcome if one_each else outcome @ share
            positive[np.ix_(rows, compositions)], negative[np.ix_(rows, compositions)] = outcome
    return Verdicts(positive, negative)


def exact(rule: Rule, kind: str) -> bool:
    """Whether the rule's verdicts can be computed for answers on a scale of this kind."""
    return rule.kind != "median_of_means" and (rule.counting or kind != "interval")


def vote_distribution(
    answers: np.ndarray, seating: Seating, question: Question, present: np.ndarray | None = None
) -> np.ndarray:
    """P(k jurors vote for the event) for compositions of one size, float64 [item, composition, k]."""
    answers = np.broadcast_to(answers, (len(answers), seating.pools.shape[1], answers.shape[2]))
    votes = question.event.votes(answers, question.hard)
    jurors = int(seating.seats[0].sum())
    tables = count_distributions(votes, seating.pools, int(seating.seats.max()), question.replacement, present)
    result = np.zeros((len(answers), seating.size, jurors + 1))
    each = expected(tables, seating.seats, np.eye(jurors + 1))  # [k, item, way]
    for way, (composition, weight) in enumerate(zip(seating.composition, seating.weight, strict=True)):
        result[:, composition] += weight * each[:, :, way].T
    return np.clip(result, 0, 1)


def expected(tables: np.ndarray, seats: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Expected value of functions of the sum over pools, float64 [function, item, way].

    tables: distribution of what n people from a pool add up to, [item, pool, n, number]. seats: [way, pool].
    values: of the functions at each possible sum, [function, sum].
    """
    length = values.shape[1]
    # Σ_s values[s] P(s) in Fourier space: the transforms of the pools' distributions multiply. Of real input, half.
    twice = np.where((np.arange(length // 2 + 1) > 0) & (2 * np.arange(length // 2 + 1) != length), 2, 1)
    spectrum = np.conj(np.fft.rfft(values)) * twice / length
    result = np.empty((len(values), len(tables), len(seats)))
    for rows in chunks(len(tables), 32 * len(seats) * len(twice)):
        transforms = np.fft.rfft(tables[rows], length, axis=-1)
        product = transforms[:, 0][:, seats[:, 0]]
        for pool in range(1, tables.shape[1]):
            product *= transforms[:, pool][:, seats[:, pool]]
        result[:, rows] = np.moveaxis((product @ spectrum.T).real, -1, 0)
    return result


# Rules. ------------------------------------------------------------------------------------------------------------


def _outcomes(
    answers: np.ndarray, pools: np.ndarray, seats: np.ndarray, question: Question, present: np.ndarray | None
) -> np.ndarray:
    """Probabilities of a positive and of a negative verdict, [2, item, way], all ways of one total size."""
    rule, kind = question.rule, question.event.scale.kind
    if not rule.counting and kind in ("multilabel", "interval"):
        raise ConfigError(f"rule {rule} has no exact solution for {kind} labels; use a rule that counts votes")
    if question.hard and not rule.counting:
        answers = np.eye(answers.shape[2])[answers.argmax(-1)]
    if rule.counting:
        votes = question.event.votes(answers, question.hard)
        tables = count_distributions(votes, pools, int(seats.max()), question.replacement, present)
        shares = weights(rule.outcomes(int(seats[0].sum())), question.tie)
        return np.clip(expected(tables, seats, shares), 0, 1)
    if rule.kind == "plurality":
        decided = plurality(answers, pools, seats, question.event.levels, question.replacement, present)
        return np.clip(np.tensordot(weights(np.array([1, -1, 0]), question.tie), decided, 1), 0, 1)
    if rule.kind == "mean":
        positive = _mean(answers, pools, seats, question, present)
    elif rule.kind == "median":
        positive = _median(answers, pools, seats, question, present)
    else:
        raise ConfigError(f"rule {rule} has no exact solution; it is sampled")
    return np.stack([positive, 1 - positive])


def _mean(
    answers: np.ndarray, pools: np.ndarray, seats: np.ndarray, question: Question, present: np.ndarray | None
) -> np.ndarray:
    values = question.event.scale.values
    unit = np.diff(values).min()
    steps = np.rint((values - values[0]) / unit).astype(int)
    if not np.allclose(values, values[0] + unit * steps):
        raise ConfigError(f"rule mean needs evenly spaced levels; these are {', '.join(question.event.scale.levels)}")
    spread = np.zeros((*answers.shape[:2], steps[-1] + 1))
    spread[..., steps] = answers
    most, total = int(seats.max()), int(seats[0].sum())
    start = np.zeros((len(answers), 1, most * steps[-1] + 1))
    start[..., 0] = 1
    tables = _tables(start, spread, pools, most, question, present)
    sums = np.arange(total * steps[-1] + 1)
    holds = question.event.holds_of(values[0] + unit * sums / max(total, 1))
    return np.clip(expected(tables, seats, holds[None].astype(float))[0], 0, 1)


def _median(
    answers: np.ndarray, pools: np.ndarray, seats: np.ndarray, question: Question, present: np.ndarray | None
) -> np.ndarray:
    """Σ over pairs of levels (the lower and upper middle juror's) of P(pair), where their midpoint makes the event."""
    values = question.event.scale.values
    total, most, last = int(seats[0].sum()), int(seats.max()), len(values) - 1
    zero = np.zeros((len(answers), len(seats)))

    def at_most(level: int, voters: int) -> np.ndarray:
        """P(at least `voters` jurors say `level` or less)."""
        below = np.clip(answers[..., : level + 1].sum(-1), 0, 1)
        tables = count_distributions(below, pools, most, question.replacement, present)
        return expected(tables, seats, (np.arange(total + 1) >= voters)[None].astype(float))[0]

    upper = [*[at_most(level, total // 2 + 1) for level in range(last)], zero + 1]  # P(upper median <= level)
    if total % 2:
        chance = np.diff(np.stack(upper), axis=0, prepend=zero[None])
        return np.clip(np.tensordot(question.event.holds_of(values).astype(float), chance, 1), 0, 1)

    def apart(low: int, high: int) -> np.ndarray:
        """P(half of the jury says `low` or less, the other half `high` or more)."""
        if low < 0 or high > last:
            return zero
        sides = np.stack([answers[..., high:].sum(-1), answers[..., : low + 1].sum(-1)], -1)
        start = np.zeros((len(answers), 1, most + 1))
        start[..., 0] = 1
        tables = _tables(start, sides, pools, most, question, present)
        return expected(tables, seats, (np.arange(total + 1) == total // 2)[None].astype(float))[0]

    split = {(i, j): apart(i, j) for i in range(-1, last + 1) for j in range(i + 1, last + 2)}
    positive = zero.copy()
    for high in range(last + 1):
        both = upper[high] - (upper[high - 1] if high else 0)  # P(upper median = high), less what follows
        for low in range(high):
            pair = split[low, high] - split[low - 1, high] - split[low, high + 1] + split[low - 1, high + 1]
            both = both - pair
            positive += pair * question.event.holds_of((values[low] + values[high]) / 2)
        positive += both * question.event.holds_of(values[high])
    return np.clip(positive, 0, 1)


def _tables(
    start: np.ndarray, answers: np.ndarray, pools: np.ndarray, most: int, question: Question, present: np.ndarray | None
) -> np.ndarray:
    """Distributions of sums of levels, [item, pool, n, sum]."""
    here = [None if present is None else present[:, pool] for pool in pools]
    each = zip(pools, here, strict=True)
    grow = [
        jury_distribution(start, answers[:, pool], most, one_more, question.replacement, inside)
        for pool, inside in each
    ]
    return np.stack(grow, 1)
