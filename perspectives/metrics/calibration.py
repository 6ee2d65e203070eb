"""How far predicted probabilities can be trusted."""

import numpy as np
from scipy.optimize import minimize_scalar

RANGE = (0.05, 20.0)  # temperatures tried
SMALLEST_GAIN = 1e-9  # nats per answer; less is rounding


def temperature(probabilities: np.ndarray, observed: np.ndarray) -> float:
    """The temperature that minimises the log loss of held-out answers (Guo et al. 2017, On Calibration, section 4.2).

    probabilities: [pair, level]. observed: level positions int64 [pair], or an indicator [pair, level] when every level
    has a probability of its own. Above 1 the model was too sure, below 1 too timid; 1 where nothing is better than the
    probabilities as they are (no pairs, all probabilities equal).
    """
    if not len(observed):
        return 1.0
    single = observed.ndim == 1
    logs = np.log(np.clip(probabilities.astype(np.float64), 1e-12, 1))
    others = np.log(np.clip(1 - probabilities.astype(np.float64), 1e-12, 1))

    def loss(log_temperature: float) -> float:
        heat = np.exp(log_temperature)
        if single:
            scaled = logs / heat
            norm = np.log(np.exp(scaled - scaled.max(1, keepdims=True)).sum(1)) + scaled.max(1)
            return float((norm - scaled[np.arange(len(observed)), observed]).mean())
        odds = (logs - others) / heat
        return float((np.logaddexp(0, odds) - observed * odds).mean())

    best = minimize_scalar(loss, bounds=np.log(RANGE), method="bounded")
    return float(np.exp(best.x)) if best.fun < loss(0.0) - SMALLEST_GAIN else 1.0
