"""Temperature scaling: make the probabilities of a model as sure as its answers are right.

`temperature` fits one number on held-out answers; `with_temperature` applies it to the log-odds of probabilities.
Paper: Guo et al. 2017, On Calibration of Modern Neural Networks, section 4.2.
"""

import numpy as np
from scipy.optimize import minimize_scalar

from perspectives.metrics.arrays import NEAR_ZERO

RANGE = (0.05, 20.0)  # temperatures tried
SMALLEST_GAIN = 1e-9  # nats per answer; less is rounding
BLOCK = 1_000_000  # numbers recalibrated at once: float64 copies of everyone's answers might not fit into memory


def temperature(probabilities: np.ndarray, observed: np.ndarray) -> float:
    """Return the temperature that minimises the log loss of held-out answers.

    probabilities: [pair, level]. observed: level positions int64 [pair], or an indicator [pair, level] when every level
    has a probability of its own. Above 1 the model was too sure, below 1 not sure enough; 1 where nothing is better
    than the probabilities as they are (no pairs, all probabilities equal).
    """
    if not len(observed):
        return 1.0
    single = observed.ndim == 1
    scores = _logs(probabilities) if single else _log_odds(probabilities)

    def loss(log_temperature: float) -> float:
        scaled = scores / np.exp(log_temperature)
        if single:
            norm = np.log(np.exp(scaled - scaled.max(1, keepdims=True)).sum(1)) + scaled.max(1)
            return float((norm - scaled[np.arange(len(observed)), observed]).mean())
        return float((np.logaddexp(0, scaled) - observed * scaled).mean())

    best = minimize_scalar(loss, bounds=np.log(RANGE), method="bounded")
    return float(np.exp(best.x)) if best.fun < loss(0.0) - SMALLEST_GAIN else 1.0


def with_temperature(values: np.ndarray, temperature: float, kind: str) -> np.ndarray:
    """Return probabilities [..., level] with their log-odds divided by `temperature`, float32.

    kind: `categorical` (rows sum to 1) or `multiple` (a probability of its own for each level), as in `Predictions`.
    """
    result = np.empty(values.shape, np.float32)
    step = max(1, BLOCK * len(values) // max(values.size, 1))
    for start in range(0, len(values), step):
        block = values[start : start + step]
        if kind == "multiple":
            result[start : start + step] = 1 / (1 + np.exp(-_log_odds(block) / temperature))
        else:
            logs = _logs(block)
            powers = np.exp((logs - logs.max(-1, keepdims=True)) / temperature)
            result[start : start + step] = powers / powers.sum(-1, keepdims=True)
    return result


def _logs(probabilities: np.ndarray) -> np.ndarray:
    return np.log(np.clip(probabilities.astype(np.float64), NEAR_ZERO, 1))


def _log_odds(probabilities: np.ndarray) -> np.ndarray:
    """Log-odds of independent probabilities, one per level."""
    return _logs(probabilities) - _logs(1 - probabilities.astype(np.float64))
