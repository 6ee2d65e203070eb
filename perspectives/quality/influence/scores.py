"""The scores that every method of influence returns, and the default damping they share."""

from dataclasses import dataclass

import numpy as np

SHARE = 0.1  # of the mean eigenvalue: Grosse et al. 2023, Studying Large Language Model Generalization, section 2.2


@dataclass(frozen=True, eq=False)
class Scores:
    """The influence of each training annotation, float64 [annotation], in the order of `Batches.rows`.

    loss: of its own label, at the trained parameters. self_influence: by how much this loss would rise without it, at
    least 0. influence: by how much the mean loss on the target would rise without it, nan without a target: above 0
    for annotations that help, below 0 for those that harm. damping: λ; None where it differs between layers.
    """

    loss: np.ndarray
    self_influence: np.ndarray
    influence: np.ndarray
    damping: float | None


def default_damping(trace: float, parameters: int) -> float:
    """A tenth of the curvature's mean eigenvalue, which needs no choice of unit."""
    return SHARE * trace / parameters
