"""Influence by conjugate gradients, with products of the Gauss-Newton matrix that is never formed (`torch.func`).

Each product is one pass over the training annotations, so a target costs a few dozen epochs, whatever the model.
Self-influence needs a solution per annotation, and costs as much for each of them.
"""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor
from torch.func import jvp, vjp, vmap
from torch.nn.attention import SDPBackend, sdpa_kernel

from perspectives.data.batches import Batch, Batches
from perspectives.errors import RunError
from perspectives.models.base import AnnotatorModel
from perspectives.quality.influence.gradients import (
    Answers,
    Parameters,
    curvature_factor,
    mean_gradient,
    on_device,
    slopes,
)
from perspectives.quality.influence.scores import Scores, default_damping

TOLERANCE = {torch.float64: 1e-8, torch.float32: 1e-4}  # length of the residual, as a share of the right side's
STEPS = 2000
PROBES = 16  # random vectors that estimate the trace
AT_ONCE = 32  # solutions sought together


def conjugate(
    model: AnnotatorModel,
    train: Batches,
    target: Batches | None,
    damping: float | None,
    self_influence: bool = True,
    seed: int = 0,
) -> Scores:
    """See `table.influence`. self_influence: False leaves it out, nan. seed: of the vectors that estimate the trace for
    the default damping. Raises RunError when the solution does not converge."""
    n = len(train.rows)
    loss, own, influence = np.full((3, n), np.nan)
    with sdpa_kernel(SDPBackend.MATH):  # the only attention that has forward-mode derivatives
        curve = Curvature(Answers(model), train)
        chosen = default_damping(curve.trace(seed), curve.size) if damping is None else damping
        if target is not None:
            aim = solve(curve.damped(chosen), curve.flat(mean_gradient(curve.answers, target))[None])
        for at, batch, _ in curve.visits:
            losses, slope = slopes(curve.objective, curve.logits(batch), batch.label)
            loss[at] = losses.cpu()
            if target is not None:
                influence[at] = (curve.changes(batch, aim)[0] * slope).sum(-1).cpu() / n
            for some in torch.arange(len(at)).split(AT_ONCE) if self_influence else ():
                gradient = curve.gradients(batch, slope, some)
                own[at[some]] = (gradient * solve(curve.damped(chosen), gradient)).sum(1).cpu() / n
    return Scores(loss, own, influence, chosen)


class Curvature:
    """Products of the Gauss-Newton matrix of the training annotations with vectors [vector, parameter].

    visits: each batch, with the positions of its annotations in `train.rows`, int64 [annotation], and the factor of
    their curvature in the logits.
    """

    def __init__(self, answers: Answers, train: Batches) -> None:
        self.answers, self.train, self.objective = answers, train, answers.model.objective
        self.parameters = answers.learned()
        self.size = sum(p.numel() for p in self.parameters.values())
        self.visits = list(self._visits())

    def logits(self, batch: Batch) -> Tensor:
        with torch.no_grad():
            return self.answers(batch)

    def damped(self, damping: float) -> Callable[[Tensor], Tensor]:
        """(G + λI) v of vectors v."""

        def product(vectors: Tensor) -> Tensor:
            total = damping * vectors
            for _, batch, factor in self.visits:
                bent = factor @ (factor.mT @ self.changes(batch, vectors)[..., None])
                total += self._pulled(batch, bent[..., 0]) / len(self.train.rows)
            return total

        return product

    def changes(self, batch: Batch, vectors: Tensor) -> Tensor:
        """J v: how the logits change along each vector, [vector, annotation, width]."""

        def along(vector: Tensor) -> Tensor:
            return jvp(lambda p: self.answers.at(p, batch), (self.parameters,), (self._apart(vector),))[1]

        return vmap(along)(vectors)

    def gradients(self, batch: Batch, slope: Tensor, some: Tensor) -> Tensor:
        """Gradient of the loss of each of some annotations of the batch, [annotation, parameter]."""
        alone = torch.zeros(len(some), *slope.shape, dtype=slope.dtype, device=slope.device)
        alone[torch.arange(len(some)), some] = slope[some]
        return self._pulled(batch, alone)

    def trace(self, seed: int) -> float:
        """Of the matrix, estimated (Hutchinson 1990): the mean of vᵀ G v over vectors of random signs."""
        random = torch.Generator().manual_seed(seed)
        signs = torch.randint(0, 2, (PROBES, self.size), generator=random).to(self.flat(self.parameters)) * 2 - 1
        return float((signs * self.damped(0.0)(signs)).sum(1).mean())

    def flat(self, values: Parameters) -> Tensor:
        return torch.cat([values[name].reshape(-1) for name in self.parameters])

    def _visits(self) -> Iterator[tuple[np.ndarray, Batch, Tensor]]:
        position = np.full(self.train.rows.max() + 1, -1)
        position[self.train.rows] = np.arange(len(self.train.rows))
        for batch in on_device(self.answers, self.train):
            factor = curvature_factor(self.objective, self.logits(batch), batch.label)
            yield position[batch.row.cpu().numpy()], batch, factor

    def _apart(self, vector: Tensor) -> Parameters:
        parts = vector.split([p.numel() for p in self.parameters.values()])
        return {name: part.view_as(p) for (name, p), part in zip(self.parameters.items(), parts, strict=True)}

    def _pulled(self, batch: Batch, forces: Tensor) -> Tensor:
        """Jᵀ f for forces on the logits [vector, annotation, width]. Returns [vector, parameter]."""
        pull = vjp(lambda p: self.answers.at(p, batch), self.parameters)[1]
        found = vmap(pull)(forces)[0]
        return torch.cat([found[name].flatten(1) for name in self.parameters], 1)


def solve(product: Callable[[Tensor], Tensor], right: Tensor) -> Tensor:
    """Solves A x = b for each row b of `right` [vector, parameter]; product: A v for each row v, A positive definite.

    Raises RunError after too many steps.
    """
    found, rest = torch.zeros_like(right), right.clone()
    step, length = rest.clone(), rest.square().sum(1)
    whole = length
    for _ in range(STEPS):
        going = length > whole * TOLERANCE[right.dtype] ** 2
        if not bool(going.any()):
            return found
        bent = product(step)
        far = torch.where(going, length / (step * bent).sum(1), 0.0)[:, None]
        found, rest = found + far * step, rest - far * bent
        before, length = length, rest.square().sum(1)
        step = rest + torch.where(going, length / before, 0.0)[:, None] * step
    share = float((length / whole)[going].sqrt().max())
    raise RunError(
        f"conjugate gradients left {share:.1e} of the right side after {STEPS} steps; give a larger damping, or use "
        "method=exact or ekfac"
    )
