"""What juries of given compositions would decide: exact probabilities of their verdicts.

Every pool has one table of the jurors drawn from it (votes for the event, or the sum of their levels), for all numbers
of seats. Juries of several pools are products of generating functions, and a rule is a sum over the result, so one
table serves every composition of a sweep.
"""

from dataclasses import dataclass

import numpy as np

from perspectives.errors import ConfigError
from perspectives.juries.counts import chunks, count_distributions, expected
from perspectives.juries.events import Event
from perspectives.juries.jury_distribution import pool_tables
from perspectives.juries.median import median
from perspectives.juries.plurality import plurality
from perspectives.juries.rules import Rule, weights
from perspectives.juries.seating import Seating

MAJORITY = Rule("majority")


@dataclass(frozen=True)
class Question:
    """What a jury decides and how.

    tie: what undecided juries count as, one of `rules.TIES`. hard: whether everyone votes by their most likely level,
    not at random as predicted. replacement: whether people may sit several times.
    """

    event: Event
    rule: Rule = MAJORITY
    tie: str = "hung"
    hard: bool = False
    replacement: bool = False


@dataclass(frozen=True, eq=False)
class Verdicts:
    """Probabilities that juries decide for and against the event, float64 [item, composition]; the rest is hung.

    They are nan where a pool has too few people for the item. error: standard error where they were sampled; None where
    they are exact.
    """

    positive: np.ndarray
    negative: np.ndarray
    error: np.ndarray | None = None

    @property
    def hung(self) -> np.ndarray:
        return np.clip(1 - self.positive - self.negative, 0, 1)

    @property
    def outcome(self) -> np.ndarray:
        """The outcome with probability above 1/2, int8 [item, composition]: 1, -1, or 0 (hung, or no such outcome)."""
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
        positive = median(answers, pools, seats, question.event, question.replacement, present)
    else:
        raise ConfigError(f"rule {rule} has no exact solution; sample its verdicts, or use another rule")
    return np.stack([positive, 1 - positive])


def _mean(
    answers: np.ndarray, pools: np.ndarray, seats: np.ndarray, question: Question, present: np.ndarray | None
) -> np.ndarray:
    """P(the mean of the jurors' levels makes the event happen), [item, way]."""
    values = question.event.scale.values
    unit = np.diff(values).min()
    steps = np.rint((values - values[0]) / unit).astype(int)
    if not np.allclose(values, values[0] + unit * steps):
        levels = ", ".join(question.event.scale.levels)
        raise ConfigError(f"rule mean needs evenly spaced levels, and these are {levels}; use median or another rule")
    spread = np.zeros((*answers.shape[:2], steps[-1] + 1))
    spread[..., steps] = answers
    most, total = int(seats.max()), int(seats[0].sum())
    start = np.zeros((len(answers), 1, most * steps[-1] + 1))
    start[..., 0] = 1
    tables = pool_tables(start, spread, pools, most, question.replacement, present)
    sums = np.arange(total * steps[-1] + 1)
    holds = question.event.holds_of(values[0] + unit * sums / max(total, 1))
    return np.clip(expected(tables, seats, holds[None].astype(float))[0], 0, 1)
