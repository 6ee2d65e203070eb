"""Objectives for each label scale: the number of a head's outputs, their loss and the prediction they encode.

An objective has `width` (outputs per annotation), `loss(logits, label) → [annotation]`,
`predict(logits) → [..., level]` (probabilities, or [..., 1] ratings) and `loss_of_answers(answers, label) →
[annotation]`, the same loss for answers that do not come from a single head, such as a mean over heads; all float32.
"""

import math
from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from perspectives.data.scale import Scale
from perspectives.errors import ConfigError

SMALLEST = torch.finfo(torch.float32).tiny  # of probabilities in a logarithm
OBJECTIVES_OF_SCALE = {
    "nominal": ("nominal", "binary"),
    "ordinal": ("nominal", "ordinal", "binary"),
    "interval": ("absolute", "squared"),
    "multilabel": ("multilabel",),
}


class Objective(Protocol):
    width: int

    def loss(self, logits: Tensor, label: Tensor) -> Tensor: ...

    def predict(self, logits: Tensor) -> Tensor: ...

    def loss_of_answers(self, answers: Tensor, label: Tensor) -> Tensor: ...


class Levels:
    """Base of objectives over levels; label int64 [annotation]."""

    def loss_of_answers(self, answers: Tensor, label: Tensor) -> Tensor:
        return -answers.gather(-1, label[:, None])[:, 0].clamp_min(SMALLEST).log()


class Nominal(Levels):
    """Softmax cross-entropy over levels; label int64 [annotation]."""

    def __init__(self, scale: Scale) -> None:
        self.width = scale.size

    def loss(self, logits: Tensor, label: Tensor) -> Tensor:
        return F.cross_entropy(logits.float(), label, reduction="none")

    def predict(self, logits: Tensor) -> Tensor:
        return logits.float().softmax(-1)


class Binary(Levels):
    """A sigmoid for the higher of two levels; label int64 [annotation], 0 or 1."""

    width = 1

    def loss(self, logits: Tensor, label: Tensor) -> Tensor:
        return F.binary_cross_entropy_with_logits(logits[..., 0].float(), label.float(), reduction="none")

    def predict(self, logits: Tensor) -> Tensor:
        positive = logits.float().sigmoid()
        return torch.cat([1 - positive, positive], -1)


class Ordinal(Levels):
    """Ordered levels by nested exceedances: P(label > k) = sigmoid(c_k), c_0 = z_0 and c_k = c_{k-1} - softplus(z_k).

    Exceedances are non-increasing, so that no level's probability is negative. label int64 [annotation].
    """

    def __init__(self, scale: Scale) -> None:
        self.width = scale.size - 1

    def loss(self, logits: Tensor, label: Tensor) -> Tensor:
        return -self._log_probabilities(logits).gather(-1, label[:, None])[:, 0]

    def predict(self, logits: Tensor) -> Tensor:
        return self._log_probabilities(logits).exp()

    def _log_probabilities(self, logits: Tensor) -> Tensor:
        """[..., level] from [..., level - 1], without differences of sigmoids, which lose small probabilities.

        sigmoid(a) - sigmoid(b) = sigmoid(a) sigmoid(-b) (1 - exp(b - a)), and 1 - exp(-softplus(z)) = sigmoid(z).
        """
        logits = logits.float()
        first, steps = logits[..., :1], logits[..., 1:]
        cuts = torch.cat([first, first - F.softplus(steps).cumsum(-1)], -1)
        above, below = F.logsigmoid(cuts), F.logsigmoid(-cuts)
        between = above[..., :-1] + below[..., 1:] + F.logsigmoid(steps)
        return torch.cat([below[..., :1], between, above[..., -1:]], -1)


class Regression:
    """One number per annotation; absolute error as in Gordon et al. 2022, or squared. label float32 [annotation].

    On a bounded scale the logit is in half ranges from the middle, so that one learning rate suits 0 to 1 and 0 to 100
    alike; otherwise it is the rating itself. Losses are in units of the scale. Predictions are clipped to the bounds.
    """

    def __init__(self, scale: Scale, squared: bool) -> None:
        self.width, self.squared = 1, squared
        self.low = -math.inf if scale.low is None else scale.low
        self.high = math.inf if scale.high is None else scale.high
        bounded = math.isfinite(self.high - self.low)
        self.middle, self.unit = ((self.low + self.high) / 2, (self.high - self.low) / 2) if bounded else (0.0, 1.0)

    def loss(self, logits: Tensor, label: Tensor) -> Tensor:
        return self.loss_of_answers(self._rating(logits), label)

    def loss_of_answers(self, answers: Tensor, label: Tensor) -> Tensor:
        error = answers[:, 0] - label
        return error.square() if self.squared else error.abs()

    def predict(self, logits: Tensor) -> Tensor:
        return self._rating(logits).clamp(self.low, self.high)

    def _rating(self, logits: Tensor) -> Tensor:
        return self.middle + self.unit * logits.float()


class Multilabel:
    """An independent sigmoid per level; label float32 [annotation, level]. The loss is the sum over levels."""

    def __init__(self, scale: Scale) -> None:
        self.width = scale.size

    def loss(self, logits: Tensor, label: Tensor) -> Tensor:
        return F.binary_cross_entropy_with_logits(logits.float(), label, reduction="none").sum(-1)

    def predict(self, logits: Tensor) -> Tensor:
        return logits.float().sigmoid()

    def loss_of_answers(self, answers: Tensor, label: Tensor) -> Tensor:
        return F.binary_cross_entropy(answers, label, reduction="none").sum(-1)


class Weighted:
    """Another objective whose loss counts each annotation with the weight of its level, float32 [level]."""

    def __init__(self, objective: Objective, weights: Tensor) -> None:
        self.objective, self.width, self.weights = objective, objective.width, weights

    def loss(self, logits: Tensor, label: Tensor) -> Tensor:
        return self.objective.loss(logits, label) * self.weights.to(label.device)[label]

    def predict(self, logits: Tensor) -> Tensor:
        return self.objective.predict(logits)

    def loss_of_answers(self, answers: Tensor, label: Tensor) -> Tensor:
        return self.objective.loss_of_answers(answers, label) * self.weights.to(label.device)[label]


def objective_for(
    scale: Scale,
    name: str | None = None,
    class_weights: str | Sequence[float] | None = None,
    level_counts: np.ndarray | None = None,
) -> Objective:
    """The objective called `name`, or the default of the scale: nominal, absolute error or multilabel.

    class_weights: `balanced` (inverse to `level_counts`, the training annotations of each level, int64 [level]; the
        mean over annotations is 1), one number per level, or None for none.

    Raises ConfigError when the objective or the weights do not fit the scale.
    """
    accepted = [objective for objective in OBJECTIVES_OF_SCALE[scale.kind] if objective != "binary" or scale.binary]
    name = name or accepted[0]
    if name not in accepted:
        kind = f"labels of kind {scale.kind}" + (f" with {scale.size} levels" if name == "binary" else "")
        raise ConfigError(f"model.objective={name!r} does not fit {kind}; choose one of {', '.join(accepted)}")
    objective = _objective(scale, name)
    if class_weights is None:
        return objective
    if not scale.categorical:
        raise ConfigError(f"model.class_weights needs levels; labels of kind {scale.kind} have none to weigh, use null")
    return Weighted(objective, _weights(scale, class_weights, level_counts))


def _objective(scale: Scale, name: str) -> Objective:
    if name in ("absolute", "squared"):
        return Regression(scale, squared=name == "squared")
    if name == "binary":
        return Binary()
    if name == "ordinal":
        return Ordinal(scale)
    return Multilabel(scale) if name == "multilabel" else Nominal(scale)


def _weights(scale: Scale, chosen: str | Sequence[float], level_counts: np.ndarray | None) -> Tensor:
    if isinstance(chosen, str) and chosen == "balanced" and level_counts is not None:
        present = np.maximum(level_counts, 1)
        return torch.tensor(level_counts.sum() / ((level_counts > 0).sum() * present), dtype=torch.float32)
    numbers = [] if isinstance(chosen, str) else list(chosen)
    if len(numbers) != scale.size or not all(number > 0 for number in numbers):
        levels = ", ".join(scale.levels)
        raise ConfigError(
            f"model.class_weights={chosen!r} is not understood; give balanced, null or {scale.size} numbers above 0, "
            f"one for each of {levels}"
        )
    return torch.tensor(numbers, dtype=torch.float32)
