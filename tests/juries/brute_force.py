"""Verdicts by enumerating every jury and everything its members may say, in plain Python."""

from itertools import combinations, product
from math import prod
from statistics import median

import numpy as np

from perspectives.juries.compositions import Seats
from perspectives.juries.rules import Rule


def juries(seats: list[Seats], replacement: bool) -> list[tuple[tuple[int, ...], float]]:
    """Every jury with its probability."""
    found: list[tuple[tuple[int, ...], float]] = [((), 1.0)]
    for one in seats:
        more = []
        for jury, chance in found:
            free = [int(a) for a in np.flatnonzero(one.members) if replacement or a not in jury]
            drawn = list(product(free, repeat=one.count) if replacement else combinations(free, one.count))
            more += [(jury + extra, chance / len(drawn)) for extra in drawn]
        found = more
    return found


def verdict(said: tuple[int, ...], event: np.ndarray, values: np.ndarray, holds, rule: Rule) -> int:
    votes, jurors = sum(bool(event[level]) for level in said), len(said)
    if rule.kind == "majority":
        return 1 if votes > jurors / 2 else -1 if votes < jurors / 2 else 0
    if rule.kind in ("supermajority", "unanimity"):
        share = rule.number
        return 1 if votes >= share * jurors else -1 if jurors - votes >= share * jurors else 0
    if rule.kind == "at_least":
        return 1 if votes >= rule.number else -1
    if rule.kind == "plurality":
        counts = [said.count(level) for level in range(len(values))]
        winners = {bool(event[level]) for level, count in enumerate(counts) if count == max(counts)}
        return 0 if len(winners) == 2 else 1 if winners.pop() else -1
    numbers = [values[level] for level in said]
    centre = median(numbers) if rule.kind == "median" else sum(numbers) / len(numbers)
    return 1 if holds(round(centre, 9)) else -1


def probabilities(answers, seats, event, values, holds, rule, tie, hard, replacement) -> tuple[float, float]:
    """P(positive), P(negative) for one item; answers: [annotator, level]."""
    if hard:
        answers = np.eye(answers.shape[1])[answers.argmax(1)]
    total = {1: 0.0, -1: 0.0, 0: 0.0}
    for jury, chance in juries(seats, replacement):
        for said in product(range(answers.shape[1]), repeat=len(jury)):
            likely = prod(answers[person, level] for person, level in zip(jury, said, strict=True))
            if likely:
                total[verdict(said, event, values, holds, rule)] += chance * likely
    positive, negative = {"hung": (0, 0), "positive": (1, 0), "negative": (0, 1), "half": (0.5, 0.5)}[tie]
    return total[1] + total[0] * positive, total[-1] + total[0] * negative
