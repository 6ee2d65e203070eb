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
    votes = np.nan_to_num(np.asarray(votes, float), nan=0.0)
    if tie not in TIES:
        raise ConfigError(f"tie={tie!r} is unknown; choose one of {', '.join(TIES)}")
    if votes.ndim != 2 or (votes < 0).any():
        raise DataError(f"votes {votes.shape} must be [item, level] and not negative")
    if tie == "official" and (official is None or len(official) != len(votes)):
        came = "nothing" if official is None else f"{len(official)} labels"
        raise ConfigError(f"tie=official needs the official label of each of the {len(votes)} items; got {came}")
    by_level = np.ascontiguousarray(votes.T)  # few long rows are read faster than many short ones
    best = by_level.max(0, initial=0)
    tied = (by_level >= best * (1 - 1e-9)) & (best > 0)
    chosen = tied.argmax(0)
    several = np.flatnonzero(tied.sum(0) > 1)
    if tie == "random":
        draws = np.random.default_rng(seed).random(len(votes))[several]
        rank = np.floor(draws * tied[:, several].sum(0))
        chosen[several] = (np.cumsum(tied[:, several], axis=0) > rank).argmax(0)
    elif tie == "positive":
        chosen[several] = len(tied) - 1 - tied[::-1, several].argmax(0)
    elif tie == "official":
        chosen[several] = np.asarray(official)[several]
    elif tie == "drop":
        chosen[several] = -1
    return np.where(best > 0, chosen, -1).astype(np.int64)
