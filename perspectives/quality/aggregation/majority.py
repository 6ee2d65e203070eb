"""Majority vote with a stated tie rule."""

import numpy as np

from perspectives.errors import ConfigError, DataError

TIES = ("random", "positive", "lowest", "official", "drop")


def majority_vote(
    votes: np.ndarray, tie: str = "random", official: np.ndarray | None = None, seed: int = 0
) -> np.ndarray:
    """The level with most votes, int64 [item]; -1 where an item has no vote or its tie was dropped.

    votes: [item, level], vote counts, weights or shares, not negative; nan or 0 throughout an item: no vote.
    tie: what decides between the levels with most votes (equal up to a relative 1e-9):
        `random`: each with equal probability, by `seed` and the item's position: the answer for an item does not depend
            on the votes for others;
        `positive`: the highest, as the last level is the positive one; `lowest`: the lowest;
        `official`: the published label, even where it is not among the tied ones;
        `drop`: nobody, the item gets -1.
    official: int64 [item], needed for and used only by tie=official; -1 where nothing was published.

    Raises ConfigError for an unknown tie rule or a missing `official`, DataError for votes of the wrong form.
    """
    votes = np.asarray(votes, float)
    if tie not in TIES:
        raise ConfigError(f"tie={tie!r} is unknown; choose one of {', '.join(TIES)}")
    if votes.ndim != 2 or (votes < 0).any():
        raise DataError(f"votes {votes.shape} must be [item, level] and not negative")
    if tie == "official" and (official is None or len(official) != len(votes)):
        came = "nothing" if official is None else f"{len(official)} labels"
        raise ConfigError(f"tie=official needs the official label of each of the {len(votes)} items; got {came}")
    by_level = np.fmax(np.ascontiguousarray(votes.T), 0)  # few long rows are read faster than many short ones
    best = by_level.max(0, initial=0)
    tied = (by_level >= best * (1 - 1e-9)) & (best > 0)
    number = tied.sum(0)
    chosen = _tied_level(tied, _rank(number, tie, seed))
    if tie in ("official", "drop"):
        chosen = np.where(number > 1, -1 if tie == "drop" else np.asarray(official), chosen)
    return chosen.astype(np.int64)


def _rank(number: np.ndarray, tie: str, seed: int) -> np.ndarray:
    """Which of so many tied levels is chosen, counted from 0, [item]."""
    if tie == "random":
        return np.floor(np.random.default_rng(seed).random(len(number)) * number)
    return number - 1 if tie == "positive" else np.zeros(len(number))


def _tied_level(tied: np.ndarray, rank: np.ndarray) -> np.ndarray:
    """The level that is number `rank` of an item's tied ones, [item]; -1 without any. tied: [level, item]."""
    chosen, before = np.full(len(rank), -1), np.zeros(len(rank))
    for level, among in enumerate(tied):
        np.copyto(chosen, level, where=among & (before == rank))
        before += among
    return chosen
