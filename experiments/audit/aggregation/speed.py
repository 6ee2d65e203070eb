"""Truth inference on 1,000,000 annotations (200,000 items of 5, 2,000 annotators, 4 levels) beside crowd-kit.

Both work on the same annotations in one process, in turns; ours from integer codes, crowd-kit from a table of integers.
crowd-kit comes with the extra `dev`. Its MACE runs its restarts one after the other: one is
timed and multiplied. Its GLAD is timed on a tenth of the items, with a single inner step, once: on all of them that
takes more than five minutes.

    python experiments/audit/aggregation/speed.py > experiments/audit/aggregation/tables/speed.md
"""

import statistics
import time
import warnings
from collections.abc import Callable

import numpy as np
import pandas as pd
from crowdkit import aggregation

from perspectives.quality.aggregation.dawid_skene import dawid_skene
from perspectives.quality.aggregation.glad import glad
from perspectives.quality.aggregation.incidence import Incidence
from perspectives.quality.aggregation.mace import mace
from perspectives.quality.aggregation.majority import majority_vote

ITEMS, EACH, PEOPLE, LEVELS = 200_000, 5, 2_000, 4
STEPS, RESTARTS = 5, 10


def annotations() -> pd.DataFrame:
    """Columns task, worker, label, in random order; every item by different people, who are right with .3 to .95."""
    rng = np.random.default_rng(0)
    item = np.repeat(np.arange(ITEMS), EACH)
    person = ((rng.integers(PEOPLE, size=ITEMS)[:, None] + np.arange(EACH) * 397) % PEOPLE).ravel()
    truth, right = rng.integers(LEVELS, size=ITEMS)[item], rng.uniform(0.3, 0.95, PEOPLE)[person]
    label = np.where(rng.random(len(item)) < right, truth, rng.integers(LEVELS, size=len(item)))
    table = pd.DataFrame({"task": item, "worker": person, "label": label})
    return table.sample(frac=1, random_state=0, ignore_index=True)


def seconds(work: Callable[[], object]) -> float:
    start = time.process_time()  # of the processor: other programs on the machine do not count
    work()
    return time.process_time() - start


def row(name: str, ours: Callable, theirs: Callable, times: float = 1, rounds: int = 3) -> None:
    """A row of the table: medians of rounds in turns. times: how often the work of `theirs` is to be counted."""
    pairs = [(seconds(ours), seconds(theirs) * times) for _ in range(rounds)]
    mine, others = (statistics.median(side) for side in zip(*pairs, strict=True))
    ratios = [other / own for own, other in pairs]
    spread = f"{min(ratios):.0f} to {max(ratios):.0f}" if rounds > 1 else "one round"
    print(f"| {name} | {mine:.3g} s | {others:.3g} s | {others / mine:.0f} × ({spread}) |", flush=True)


def vote(item: np.ndarray, _: np.ndarray, label: np.ndarray) -> np.ndarray:
    votes = np.bincount(item * LEVELS + label, minlength=ITEMS * LEVELS)
    return majority_vote(votes.reshape(ITEMS, LEVELS))


def main() -> None:
    warnings.simplefilter("ignore")
    table = annotations()
    codes = [table[name].to_numpy() for name in ("task", "worker", "label")]
    shape = (ITEMS, PEOPLE, LEVELS)
    incidence = Incidence.build(*codes, shape)  # once for all that follow the first row
    print("| method | ours | crowd-kit | ratio |\n|---|---:|---:|---:|")

    row("majority vote", lambda: vote(*codes), lambda: aggregation.MajorityVote().fit_predict(table), rounds=5)
    row(
        f"Dawid-Skene, {STEPS} iterations",
        lambda: dawid_skene(incidence, STEPS, 0),
        lambda: aggregation.DawidSkene(n_iter=STEPS, tol=0).fit(table),
    )
    row(
        f"MACE by variational Bayes, {RESTARTS} restarts of {STEPS} iterations",
        lambda: mace(incidence, restarts=RESTARTS, iterations=STEPS, tolerance=0),
        lambda: aggregation.MACE(n_restarts=1, n_iter=STEPS).fit(table),
        times=RESTARTS,
    )
    some = table[table["task"] < ITEMS // 10]
    fewer = Incidence.build(*(some[name].to_numpy() for name in some), (ITEMS // 10, PEOPLE, LEVELS))
    row(
        f"GLAD, {len(some):,} annotations, one iteration of one inner step",
        lambda: glad(fewer, 1, inner=1),
        lambda: aggregation.GLAD(n_iter=1, m_step_max_iter=1).fit(some),
        rounds=1,
    )


if __name__ == "__main__":
    main()
