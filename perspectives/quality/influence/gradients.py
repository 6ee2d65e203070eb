"""A trained model's logits as a function of its parameters, and the gradients and curvatures of its losses.

The curvature is the generalised Gauss-Newton matrix G = 1/n Σ_i J_iᵀ H_i J_i: J_i, of an annotation's logits in the
parameters; H_i, of its loss in the logits. It is positive semi-definite, equals the Hessian where logits are linear in
the parameters, and the Fisher information for all losses of `objectives` except the ordinal one, whose H_i may
have negative eigenvalues far from its optimum; these count as 0.

Paper: Martens 2020, New Insights and Perspectives on the Natural Gradient Method (JMLR 21), sections 8 and 9.
"""

import copy
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call, jacrev, vmap

from perspectives.data.batches import Batch, Batches
from perspectives.errors import ConfigError
from perspectives.models.base import AnnotatorModel
from perspectives.models.encoder import CachedContent
from perspectives.models.layers import AnnotatorHeads, AnnotatorTable
from perspectives.models.objectives import Objective, Regression

Parameters = dict[str, Tensor]


class Answers(nn.Module):
    """The logits of a batch as `forward`, the one method that `torch.func.functional_call` calls.

    model: a copy in evaluation mode. frozen: whether it reads cached content vectors; it is then in float64. Raises
    ConfigError for losses without curvature.
    """

    def __init__(self, model: AnnotatorModel) -> None:
        super().__init__()
        if isinstance(model.objective, Regression) and not model.objective.squared:
            raise ConfigError(
                "influence needs the curvature of the loss, and the absolute error has none; train with "
                "model.objective=squared"
            )
        self.model = copy.deepcopy(model).eval()
        for module in self.model.modules():
            if isinstance(module, AnnotatorHeads | AnnotatorTable):
                module.sparse = False  # torch.func has no sparse gradients of single annotations
        self.frozen = isinstance(model.encoder, CachedContent)
        if self.frozen:
            self.model.double()  # live encoders end in float32

    @property
    def device(self) -> torch.device:
        return next(self.model.parameters()).device

    def forward(self, batch: Batch, content: Tensor | None = None) -> Tensor:
        """Logits [annotation, width]; content [item, hidden] where it is known already."""
        content = self.model.encode(batch) if content is None else content
        return self.model.pairs(content, batch.annotators, batch.item_index, batch.annotator_index)

    def learned(self) -> Parameters:
        """The parameters that training changed."""
        return {name: p.detach() for name, p in self.named_parameters() if p.requires_grad}

    def at(self, parameters: Parameters, batch: Batch, content: Tensor | None = None) -> Tensor:
        """The logits with these parameters."""
        return functional_call(self, parameters, (batch, content))


def one_by_one(batches: Batches, positions: Tensor) -> Batch:
    """The annotations at these positions of `batches.rows`, as a batch in which each has its own text and person."""
    at, each = positions.cpu().numpy(), torch.arange(len(positions))
    items = items_of(batches)[at]
    return Batch(
        item=torch.from_numpy(items),
        annotators=batches.annotators[torch.from_numpy(batches.annotator_index[at])],
        item_index=each,
        annotator_index=each,
        label=torch.from_numpy(batches.labels[at]),
        row=torch.from_numpy(batches.rows[at]),
        tokens=None if batches.tokens is None else batches.tokens.padded(items),
    )


def items_of(batches: Batches) -> np.ndarray:
    """The item of each annotation, in the order of `batches.rows`, int64 [annotation]."""
    return batches.items.repeat(batches.counts)


def slopes(objective: Objective, logits: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
    """Each annotation's loss [annotation] and its gradient in the logits [annotation, width]."""
    logits = logits.detach().requires_grad_()
    loss = objective.loss(logits, label)
    return loss.detach(), torch.autograd.grad(loss.sum(), logits)[0]


def curvature_factor(objective: Objective, logits: Tensor, label: Tensor) -> Tensor:
    """L with H = L Lᵀ, where H is the Hessian of each annotation's loss in its logits, [annotation, width, width]."""

    def loss(logits: Tensor, label: Tensor) -> Tensor:
        return objective.loss(logits[None], label[None])[0]

    hessian = vmap(jacrev(jacrev(loss)))(logits.detach(), label)
    values, vectors = torch.linalg.eigh(hessian)
    return vectors * values.clamp_min(0).sqrt()[:, None]


def mean_gradient(answers: Answers, batches: Batches) -> Parameters:
    """Gradient of the mean loss over annotations, by parameter."""
    learned = {name: p.requires_grad_() for name, p in answers.learned().items()}
    total = {name: torch.zeros_like(p) for name, p in learned.items()}
    for batch in on_device(answers, batches):
        loss = answers.model.objective.loss(answers.at(learned, batch), batch.label).sum()
        found = torch.autograd.grad(loss, list(learned.values()), materialize_grads=True)
        for name, gradient in zip(total, found, strict=True):
            total[name] += gradient
    return {name: gradient / len(batches.rows) for name, gradient in total.items()}


def on_device(answers: Answers, batches: Batches) -> Iterator[Batch]:
    for batch in batches:
        yield batch.to(answers.device)
