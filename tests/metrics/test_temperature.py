"""The temperature against a brute-force grid."""

import numpy as np
import pytest
from scipy.special import expit, softmax

from perspectives.metrics.calibration import temperature, with_temperature

GRID = np.exp(np.linspace(np.log(0.06), np.log(18), 4001))


def drawn(truth: float, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities whose logits are `truth` times as large as they should be, and answers."""
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(4000, 3)) * 2
    if kind == "single":
        observed = (rng.random((4000, 1)) > softmax(logits, axis=1).cumsum(1)[:, :-1]).sum(1)
        return softmax(truth * logits, axis=1), observed
    return expit(truth * logits), (rng.random((4000, 3)) < expit(logits)).astype(np.float32)


def log_loss(probabilities: np.ndarray, observed: np.ndarray) -> float:
    probabilities = np.clip(probabilities, 1e-12, 1 - 1e-12)
    if observed.ndim == 1:
        return -np.log(probabilities[np.arange(len(observed)), observed]).mean()
    return -np.log(np.where(observed == 1, probabilities, 1 - probabilities)).mean()


@pytest.mark.parametrize("kind", ["single", "several"])
@pytest.mark.parametrize("truth", [0.3, 1.0, 4.0])
def test_it_is_the_best_of_a_fine_grid_and_recovers_the_truth(kind, truth):
    probabilities, observed = drawn(truth, kind)
    found = temperature(probabilities, observed)
    reading = "categorical" if kind == "single" else "multiple"
    losses = [log_loss(with_temperature(probabilities, heat, reading).astype(float), observed) for heat in GRID[::40]]
    near = GRID[::40][int(np.argmin(losses))]
    assert found == pytest.approx(near, rel=0.08)
    assert found == pytest.approx(truth, rel=0.1)
    assert log_loss(with_temperature(probabilities, found, reading).astype(float), observed) <= min(losses) + 1e-6


def test_certain_but_wrong_answers_are_softened_as_far_as_the_range_goes():
    certain = np.eye(2)[[0, 1, 0, 1]]
    assert temperature(certain, np.array([0, 1, 1, 0])) == pytest.approx(20, rel=1e-3)
    assert temperature(certain, np.array([0, 1, 0, 1])) == 1.0  # nothing to gain
    nine_of_ten = temperature(certain[[0] * 10], np.array([0] * 9 + [1]))
    assert with_temperature(certain, nine_of_ten, "categorical")[0, 0] == pytest.approx(0.9, abs=1e-3)


def test_where_no_temperature_is_better_it_is_one():
    assert temperature(np.empty((0, 2)), np.empty(0, np.int64)) == 1.0
    assert temperature(np.empty((0, 3)), np.empty((0, 3), np.float32)) == 1.0
    assert temperature(np.full((5, 4), 0.25), np.array([0, 1, 2, 3, 3])) == 1.0
