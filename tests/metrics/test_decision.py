"""Decisions for macro-F1, against scikit-learn and exhaustive search."""

import itertools

import numpy as np
from sklearn.metrics import f1_score

from perspectives.metrics.decision import decide, macro_f1_offsets


def drawn(pairs: int, levels: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of which the first level is nearly always the largest, and labels drawn from them."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(pairs, levels)) + 2.0 * (np.arange(levels) == 0)
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    return probabilities, (probabilities.cumsum(1) > rng.random((pairs, 1))).argmax(1)


def score(observed, predicted) -> float:
    return f1_score(observed, predicted, average="macro", zero_division=0)


def test_no_offsets_give_the_most_likely_level():
    probabilities, _ = drawn(50, 4)
    np.testing.assert_array_equal(decide(probabilities, np.zeros(4)), probabilities.argmax(1))


def test_two_levels_are_decided_as_well_as_by_the_best_of_all_thresholds():
    probabilities, observed = drawn(60, 2)
    best = max(score(observed, (probabilities[:, 1] >= cut).astype(int)) for cut in probabilities[:, 1])
    found = score(observed, decide(probabilities, macro_f1_offsets(probabilities, observed)))
    assert score(observed, probabilities.argmax(1)) < found <= best
    assert found > best - 0.02  # the search has steps


def test_three_levels_come_near_an_exhaustive_search_and_never_fall_below_argmax():
    for seed in range(5):
        probabilities, observed = drawn(300, 3, seed)
        grid = np.linspace(-2.5, 2.5, 21)
        every = (np.array([0.0, *rest]) for rest in itertools.product(grid, grid))
        best = max(score(observed, decide(probabilities, offsets)) for offsets in every)
        found = score(observed, decide(probabilities, macro_f1_offsets(probabilities, observed)))
        assert found >= score(observed, probabilities.argmax(1))
        assert found > best - 0.03


def test_new_pairs_of_the_same_kind_are_decided_better_too():
    probabilities, observed = drawn(4000, 4, seed=1)
    offsets = macro_f1_offsets(probabilities[:2000], observed[:2000])
    rest = probabilities[2000:], observed[2000:]
    assert score(rest[1], decide(rest[0], offsets)) > score(rest[1], rest[0].argmax(1)) + 0.05
    # The level that nearly always won is held back.
    assert offsets[0] == offsets.min() < 0


def test_nothing_to_learn_from_changes_nothing():
    assert (macro_f1_offsets(np.empty((0, 3)), np.empty(0, int)) == 0).all()


def test_equals_are_decided_as_they_were_searched():
    for seed in range(300):
        rng = np.random.default_rng(seed)
        probabilities = rng.multinomial(4, np.ones(3) / 3, size=12) / 4
        observed = rng.integers(3, size=12)
        found = score(observed, decide(probabilities, macro_f1_offsets(probabilities, observed)))
        assert found >= score(observed, probabilities.argmax(1))
