"""Verdicts by drawing juries at random: for rules without an exact solution, and to check those that have one.

Each jury is drawn once for all items. Every juror then gives a label: a level drawn from their predicted distribution
(hard: the most likely level), or their predicted rating. The rule is applied to these labels.
"""

from collections.abc import Sequence

import numpy as np

from perspectives.juries.compositions import Seats
from perspectives.juries.rules import JURIES_OF_MEDIAN, weights
from perspectives.juries.seating import refuse_short
from perspectives.juries.verdicts import Question, Verdicts


def sampled_verdicts(
    answers: np.ndarray, seats: Sequence[Seats], question: Question, trials: int = 10_000, seed: int = 0
) -> Verdicts:
    """Verdicts of one composition, [item, 1], with the standard error of `positive`.

    answers: [item, annotator, level], or ratings [item, annotator, 1]; an annotator axis of length 1 stands for all.
    """
    random = np.random.default_rng(seed)
    people = len(seats[0].members)
    answers = np.broadcast_to(answers, (len(answers), people, answers.shape[2]))
    total = np.zeros((2, len(answers)))
    for _ in range(trials):
        if question.rule.kind == "median_of_means":
            means = [
                _values(_labels(answers, seats, question, random), question).mean(1) for _ in range(JURIES_OF_MEDIAN)
            ]
            outcome = _sign(question.event.holds_of(np.median(means, 0)))
        else:
            outcome = _outcome(_labels(answers, seats, question, random), question)
        total += weights(outcome, question.tie)
    positive, negative = total / trials
    error = np.sqrt(positive * (1 - positive) / trials)
    return Verdicts(positive[:, None], negative[:, None], error[:, None])


def drawn(seats: Sequence[Seats], replacement: bool, random: np.random.Generator) -> np.ndarray:
    """A random jury, int64 [seat], drawn from the pools in order; nobody sits twice unless with replacement."""
    jury: list[int] = []
    for pool in seats:
        free = pool.members.copy()
        if not replacement:
            free[jury] = False
        candidates = np.flatnonzero(free)
        if not replacement:
            refuse_short(pool.pool, len(candidates), pool.count)
        jury += random.choice(candidates, pool.count, replace=replacement).tolist()
    return np.array(jury)


def _labels(answers: np.ndarray, seats: Sequence[Seats], question: Question, random: np.random.Generator) -> np.ndarray:
    """A random jury's labels, [item, seat]: positions of levels, ratings, or for sets whether the event happened."""
    jury = answers[:, drawn(seats, question.replacement, random)]
    kind = question.event.scale.kind
    if kind == "interval":
        return jury[..., 0]
    if kind == "multilabel":
        chance = question.event.votes(jury, question.hard)
        return random.random(chance.shape) < chance
    if question.hard:
        return jury.argmax(-1)
    passed = np.cumsum(jury[..., :-1], -1) <= random.random((*jury.shape[:2], 1))
    return passed.sum(-1)


def _outcome(labels: np.ndarray, question: Question) -> np.ndarray:
    """The verdict of a jury by its labels, 1, -1 or 0, [item]."""
    event, rule = question.event, question.rule
    if rule.counting:
        votes = labels if event.scale.kind == "multilabel" else event.holds(labels)
        return rule.outcomes(labels.shape[1])[votes.sum(1)]
    if rule.kind == "plurality":
        count = (labels[..., None] == np.arange(len(event.levels))).sum(1)
        leading = count == count.max(1, keepdims=True)
        return np.where((leading & ~event.levels).any(1), np.where((leading & event.levels).any(1), 0, -1), 1)
    values = _values(labels, question)
    return _sign(event.holds_of(np.median(values, 1) if rule.kind == "median" else values.mean(1)))


def _values(labels: np.ndarray, question: Question) -> np.ndarray:
    return labels if question.event.scale.kind == "interval" else question.event.scale.values[labels]


def _sign(holds: np.ndarray) -> np.ndarray:
    return np.where(holds, 1, -1)
