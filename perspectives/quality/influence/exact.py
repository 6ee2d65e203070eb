"""Influence by solving with the whole Gauss-Newton matrix, for every training annotation at once.

An annotation's logits depend on what everybody shares and on its annotator's own rows (`annotator_tables`), never on
the rows of others. So the matrix is an arrowhead matrix,

    [ G_00 + λI   C_1ᵀ       C_2ᵀ      … ]      G_00: shared parameters
    [ C_1         G_11 + λI  0         … ]      G_aa: the rows of annotator a
    [ C_2         0          G_22 + λI … ]      C_a: between the two

which the Schur complement of its shared block, S = G_00 + λI − Σ_a C_aᵀ (G_aa + λI)⁻¹ C_a, solves exactly at the cost
of one small system per annotator. Without rows of annotators this is the plain dense solution.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.func import jacrev, vmap

from perspectives.data.batches import Batch, Batches
from perspectives.errors import ConfigError
from perspectives.models.base import AnnotatorModel
from perspectives.quality.influence.gradients import (
    Answers,
    Parameters,
    curvature_factor,
    items_of,
    mean_gradient,
    slopes,
)
from perspectives.quality.influence.scores import Scores, default_damping

LARGEST = 8192  # parameters in one dense system: half a gigabyte
AT_ONCE = 256  # annotations whose Jacobians are held together


def exact(model: AnnotatorModel, train: Batches, target: Batches | None, damping: float | None) -> Scores:
    """See `table.influence`. Raises ConfigError where the encoder was trained, or too many parameters are shared."""
    heads = Heads(model, train)
    n, width, shared = len(train.rows), heads.width, heads.shared_width
    if damping is None:
        damping = default_damping(heads.trace(), shared + (width - shared) * len(heads.people))
    aim, aims = heads.target(target)
    loss, self_influence, influence = np.empty((3, n))
    rest = torch.empty(n, shared, dtype=torch.float64)  # the shared gradient less what the annotator's own rows explain
    schur = damping * torch.eye(shared, dtype=torch.float64)
    for place, pieces in enumerate(heads.by_annotator()):
        gram, gradients = torch.zeros(width, width, dtype=torch.float64), []
        for piece in pieces:
            loss[piece.at] = piece.loss
            gram += piece.gram() / n
            gradients.append((piece.at, piece.gradient()))
        cross = gram[shared:, :shared]
        root = torch.linalg.cholesky(gram[shared:, shared:] + damping * torch.eye(width - shared, dtype=torch.float64))
        explained = torch.cholesky_solve(cross, root)  # (G_aa + λI)⁻¹ C_a
        schur += gram[:shared, :shared] - cross.T @ explained
        aim -= aims[place] @ explained
        for at, gradient in gradients:
            own = gradient[:, shared:]
            solved = torch.cholesky_solve(own.T, root).T
            rest[at] = gradient[:, :shared] - own @ explained
            self_influence[at], influence[at] = (solved * own).sum(1), solved @ aims[place]
    root = torch.linalg.cholesky(schur)
    solved = torch.cholesky_solve(rest.T, root).T
    self_influence += (solved * rest).sum(1).numpy()
    influence += (solved @ aim).numpy()
    return Scores(loss, self_influence / n, influence / n if target is not None else np.full(n, np.nan), damping)


@dataclass(frozen=True, eq=False)
class Piece:
    """Some training annotations of one annotator.

    at: their positions in `train.rows`, int64 [annotation]. loss: [annotation]. slope: its gradient in the logits,
    [annotation, width]. factor: of its curvature in them, [annotation, width, width]. jacobian: of the logits,
    [annotation, width, parameter], what is shared first.
    """

    at: np.ndarray
    loss: Tensor
    slope: Tensor
    factor: Tensor
    jacobian: Tensor

    def gram(self) -> Tensor:
        """Σ Jᵀ H J, [parameter, parameter]."""
        bent = self._bent().flatten(0, 1)
        return bent.T @ bent

    def trace(self) -> float:
        return float(self._bent().square().sum())

    def gradient(self) -> Tensor:
        """Of each annotation's loss, [annotation, parameter]."""
        return (self.slope[:, None] @ self.jacobian)[:, 0]

    def _bent(self) -> Tensor:
        return self.factor.mT @ self.jacobian


class Heads:
    """The parameters of heads on content vectors that do not change: shared ones, and a row per annotator."""

    def __init__(self, model: AnnotatorModel, train: Batches) -> None:
        self.answers, self.train = Answers(model).cpu(), train
        if not self.answers.frozen:
            raise ConfigError(
                "method=exact needs content vectors that do not change, and this encoder is part of the "
                "model; use method=ekfac or method=cg"
            )
        tables = {id(table) for table, _ in self.answers.model.annotator_tables()}
        learned = {name: p for name, p in self.answers.named_parameters() if p.requires_grad}
        self.rows = {name: p.detach() for name, p in learned.items() if id(p) in tables}  # [code, row]
        self.shared = {name: p.detach() for name, p in learned.items() if id(p) not in tables}
        self.shared_width = sum(value.numel() for value in self.shared.values())
        self.width = self.shared_width + sum(table[0].numel() for table in self.rows.values())
        if self.width > LARGEST:
            raise ConfigError(
                f"method=exact would solve for {self.width:,} parameters at once, and at most {LARGEST:,} fit; use "
                "method=cg or method=ekfac"
            )
        self.people = np.unique(train.annotator_index)  # rows of `train.annotators`
        with torch.no_grad():
            self.content = self.answers.model.encode(Batch.of_texts(torch.from_numpy(train.items)))

    def target(self, batches: Batches | None) -> tuple[Tensor, Tensor]:
        """Gradient of the mean loss on the target: in the shared parameters [parameter], and in the rows of `people`
        [annotator, row]; zeros without batches."""
        if batches is None:
            return torch.zeros(self.shared_width).double(), torch.zeros(
                len(self.people), self.width - self.shared_width
            ).double()
        gradient = mean_gradient(self.answers, batches)
        codes = self.train.annotators.code[torch.from_numpy(self.people)]
        rows = _flat({name: gradient[name][codes] for name in self.rows}, len(codes))
        return _flat({name: gradient[name][None] for name in self.shared}, 1)[0], rows

    def trace(self) -> float:
        """Trace of the whole matrix."""
        return sum(piece.trace() for pieces in self.by_annotator() for piece in pieces) / len(self.train.rows)

    def by_annotator(self) -> Iterator[Iterable[Piece]]:
        """The annotations of each of `people`."""
        item = np.searchsorted(self.train.items, items_of(self.train))
        for person in self.people:
            at = np.flatnonzero(self.train.annotator_index == person)
            yield (self._piece(person, some, item[some]) for some in np.split(at, range(AT_ONCE, len(at), AT_ONCE)))

    def _piece(self, person: int, at: np.ndarray, item: np.ndarray) -> Piece:
        objective = self.answers.model.objective
        annotator = self.train.annotators[person : person + 1]
        rows = {name: table[annotator.code[0]] for name, table in self.rows.items()}
        if rows:
            annotator.code = torch.ones(
                1, dtype=torch.int64
            )  # in tables of two rows: the unknown person's, and this one
        batch = Batch.of_texts(torch.zeros(1, dtype=torch.int64))
        batch.annotators, batch.item_index, batch.annotator_index = annotator, batch.item, batch.item

        def logits(shared: Parameters, rows: Parameters, content: Tensor) -> tuple[Tensor, Tensor]:
            tables = {name: torch.stack([self.rows[name][0], row]) for name, row in rows.items()}
            found = self.answers.at(shared | tables, batch, content[None])[0]
            return found, found

        slope = vmap(jacrev(logits, argnums=(0, 1), has_aux=True), in_dims=(None, None, 0))
        (shared, own), found = slope(self.shared, rows, self.content[item])
        jacobian = torch.cat([_flat(part, *found.shape) for part in (shared, own)], -1)
        label = torch.from_numpy(self.train.labels[at])
        return Piece(at, *slopes(objective, found, label), curvature_factor(objective, found, label), jacobian)


def _flat(values: Parameters, *axes: int) -> Tensor:
    """All parameters side by side after these leading axes, float64 [*axes, parameter]."""
    return torch.cat([torch.zeros(*axes, 0).double(), *(value.reshape(*axes, -1) for value in values.values())], -1)
