"""Decision rules: which level a predicted distribution stands for when one label has to be given.

The most likely level is right most often, but where one level dominates it names hardly any other. A rule made for
macro-F1 weighs the levels, on validation; the probabilities themselves stay as they are.
"""

import numpy as np

REACH, STEPS, ROUNDS = 2.5, 41, 4  # of the search, in log-odds
SMALLEST = 1e-12


def decide(probabilities: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """The level with the largest log-probability plus offset, int64 [pair]; the lowest of equals.

    probabilities: float [pair, level]. offsets: float [level]; zeros give the most likely level.
    """
    return (np.log(np.maximum(probabilities, SMALLEST)) + offsets).argmax(1)


def macro_f1_offsets(probabilities: np.ndarray, observed: np.ndarray) -> np.ndarray:
    """Offsets float64 [level] for which `decide` has the highest macro-F1 found on these pairs, by coordinate ascent.

    probabilities: float [pair, level]. observed: int64 [pair]. Only ever better than the most likely level, which is
    where the search starts; zeros when there are no pairs.
    """
    logs, levels = np.log(np.maximum(probabilities, SMALLEST)), probabilities.shape[1]
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
