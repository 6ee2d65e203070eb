"""Decision rules: choose one level from a predicted distribution.

The most likely level is right most often, but where one level dominates, hardly any other is ever chosen. A rule for
macro-F1 adds an offset per level, fitted on validation; the probabilities themselves do not change.
"""

import numpy as np

from perspectives.metrics.arrays import NEAR_ZERO

REACH, STEPS, ROUNDS = 2.5, 41, 4  # of the search, in log-odds


def decide(probabilities: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Return the level with the largest log-probability plus offset, int64 [pair]; the lowest of equals.

    probabilities: float [pair, level]. offsets: float [level]; zeros give the most likely level.
    """
    return (np.log(np.maximum(probabilities, NEAR_ZERO)) + offsets).argmax(1)


def macro_f1_offsets(probabilities: np.ndarray, observed: np.ndarray) -> np.ndarray:
    """Return offsets that give `decide` a high macro-F1 on these pairs, by coordinate ascent, float64 [level].

    probabilities: float [pair, level]. observed: int64 [pair]. The search starts from zeros (the most likely level) and
    only accepts improvements; zeros when there are no pairs.
    """
    logs, levels = np.log(np.maximum(probabilities, NEAR_ZERO)), probabilities.shape[1]
    offsets = np.zeros(levels)
    best = _macro_f1(observed, logs.argmax(1), levels)
    for _ in range(ROUNDS):
        before = best
        for level in range(levels):
            shifted = logs + offsets
            for offset in np.linspace(-REACH, REACH, STEPS):
                shifted[:, level] = logs[:, level] + offset
                score = _macro_f1(observed, shifted.argmax(1), levels)
                if score > best:
                    best, offsets[level] = score, offset
        if best == before:
            break
    return offsets


def _macro_f1(observed: np.ndarray, predicted: np.ndarray, levels: int) -> float:
    both = np.bincount(observed[observed == predicted], minlength=levels)
    total = np.bincount(observed, minlength=levels) + np.bincount(predicted, minlength=levels)
    return float((2 * both / np.maximum(total, 1)).mean())
