"""What a head's outputs mean on each label scale: their number, their loss and the prediction they stand for.

An objective has `width` (outputs per annotation), `loss(logits, label) → [annotation]` and
`predict(logits) → [..., level]` (probabilities, or [..., 1] ratings), all float32.
"""

import math
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

from perspectives.data.scale import Scale
from perspectives.errors import ConfigError

OBJECTIVES_OF_SCALE = {
    "nominal": ("nominal",),
    "ordinal": ("nominal", "ordinal"),
    "interval": ("absolute", "squared"),
    "multilabel": ("multilabel",),
}


class Objective(Protocol):
    width: int

    def loss(self, logits: Tensor, label: Tensor) -> Tensor: ...

    def predict(self, logits: Tensor) -> Tensor: ...


class Nominal:
    """Softmax cross-entropy over levels; label int64 [annotation]."""

    def __init__(self, scale: Scale) -> None:
        self.width = scale.size

    def loss(self, logits: Tensor, label: Tensor) -> Tensor:
        return F.cross_entropy(logits.float(), label, reduction="none")

    def predict(self, logits: Tensor) -> Tensor:
        return logits.float().softmax(-1)


class Ordinal:
    """Ordered levels by nested exceedances: P(label > k) = sigmoid(c_k), c_0 = z_0 and c_k = c_{k-1} - softplus(z_k).

    Exceedances never increase, so that no level's probability is negative. label int64 [annotation].
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

    On a bounded scale the logit counts half ranges from the middle, so that one learning rate suits 0 to 1 and 0 to 100
    alike; elsewhere it is the rating itself. Losses are in units of the scale. Predictions never leave the bounds.
    """

    def __init__(self, scale: Scale, squared: bool) -> None:
        self.width, self.squared = 1, squared
        self.low = -math.inf if scale.low is None else scale.low
        self.high = math.inf if scale.high is None else scale.high
        bounded = math.isfinite(self.high - self.low)
        self.middle, self.unit = ((self.low + self.high) / 2, (self.high - self.low) / 2) if bounded else (0.0, 1.0)

    def loss(self, logits: Tensor, label: Tensor) -> Tensor:
        error = self._rating(logits)[:, 0] - label
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


def objective_for(scale: Scale, name: str | None = None) -> Objective:
    """The objective called `name`, or the default of the scale: nominal, absolute error or multilabel.

    Raises ConfigError when the objective does not fit the scale.
    """
    accepted = OBJECTIVES_OF_SCALE[scale.kind]
    name = name or accepted[0]
    if name not in accepted:
        raise ConfigError(
            f"model.objective={name!r} does not fit labels of kind {scale.kind}; choose one of {', '.join(accepted)}"
        )
    if name in ("absolute", "squared"):
        return Regression(scale, squared=name == "squared")
    if name == "multilabel":
        return Multilabel(scale)
    return Ordinal(scale) if name == "ordinal" else Nominal(scale)
