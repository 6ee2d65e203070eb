"""Exact verdicts of 455 compositions (12 seats from 4 pools) for 2,000 items and 1,000 annotators, against Monte Carlo.

The Monte Carlo is a good one: it draws each jury once for all items and counts their votes at once. It is timed on
every 25th composition with 100 trials, and multiplied. A standard error of .005 at P = 1/2 takes 10,000 trials. Both
in one process, in turns.

    python experiments/juries/speed.py
"""

import time
from collections.abc import Callable

import numpy as np

from perspectives.data.scale import Scale
from perspectives.juries.events import Event
from perspectives.juries.seating import every
from perspectives.juries.sweep import simplex
from perspectives.juries.verdicts import Question, verdicts

ITEMS, PEOPLE, POOLS, SEATS, TRIALS, PART = 2_000, 1_000, 4, 12, 100, 25
ENOUGH = 10_000  # trials for a standard error of .005


def monte_carlo(
    votes: np.ndarray, hard: bool, pools: np.ndarray, compositions: np.ndarray, random: np.random.Generator
) -> np.ndarray:
    """P(more than half vote for the event), [item, composition].

    votes: [annotator, item], so that jurors are rows; hard: they are 0 or 1, and there is nothing to draw but the jury.
    """
    positive = np.zeros((votes.shape[1], len(compositions)))
    people = [np.flatnonzero(pool) for pool in pools]
    for place, counts in enumerate(compositions):
        for _ in range(TRIALS):
            jury = np.concatenate([random.permutation(who)[:n] for who, n in zip(people, counts, strict=True)])
            said = votes[jury] if hard else random.random((SEATS, votes.shape[1]), np.float32) < votes[jury]
            positive[:, place] += said.sum(0) > SEATS / 2
    return positive / TRIALS


def seconds(work: Callable[[], np.ndarray]) -> tuple[float, np.ndarray]:
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def main() -> None:
    random = np.random.default_rng(0)
    pools = np.eye(POOLS, dtype=bool)[random.integers(0, POOLS, PEOPLE)].T
    rate = random.random((ITEMS, 1)) ** 2 + 0.2 * (random.standard_normal(POOLS) @ pools)
    chances = np.clip(rate + 0.1 * random.standard_normal((ITEMS, PEOPLE)), 0, 1)
    compositions = simplex(SEATS, [SEATS] * POOLS)
    some = compositions[::PART]
    question = Question(Event.parse(None, Scale("nominal", ("no", "yes"))))
    print(f"{len(compositions)} compositions, {ITEMS:,} items, {PEOPLE:,} annotators; median of 3 rounds in turns\n")
    print("| votes | exact | 100 trials | ratio | error of 100 trials: largest | trials for s.e. .005, ratio |")
    print("|---|---:|---:|---:|---:|---:|")
    for kind, votes in (
        ("sampled", chances),
        ("hard", (chances > random.random((ITEMS, PEOPLE))).astype(float)),
    ):
        answers = np.stack([1 - votes, votes], -1)
        rows = votes.T.astype(np.float32).copy()
        rounds = []
        for _ in range(3):
            exact, found = seconds(
                lambda answers=answers: verdicts(answers, every(pools, compositions), question).positive
            )
            drawn, guess = seconds(lambda rows=rows, hard=kind == "hard": monte_carlo(rows, hard, pools, some, random))
            rounds.append((exact, drawn * len(compositions) / len(some), np.abs(guess - found[:, ::PART]).max()))
        exact, drawn, error = np.median(rounds, 0)
        ratio, times = drawn / exact, f"{exact:.2f} s | {drawn:.1f} s"
        print(f"| {kind} | {times} | {ratio:.0f} × | {error:.2f} | {ratio * ENOUGH / TRIALS:,.0f} × |")


if __name__ == "__main__":
    main()
