"""A callback that records training dynamics: how likely each annotation's label was while it was trained on.

A step only keeps the logits it computed anyway. The measures are computed at the end of an epoch and written as one
file per epoch beside the checkpoints. What an interrupted epoch had seen so far is kept in the checkpoint, so a resumed
run records what an uninterrupted one would have.
"""

from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.numpy import load_file, save
from torch import Tensor
from torch.nn import functional as F

from perspectives.data.annotations import AnnotationSet, annotation_columns
from perspectives.errors import ConfigError, RunError
from perspectives.files import new_file
from perspectives.models.objectives import Objective, Weighted
from perspectives.quality.dynamics import FOLDER, TENSORS, Dynamics


class Recording(L.Callback):
    """Records the probability and the margin of the label of every training annotation in every epoch.

    folder: the run's. targets: what is trained on; rows of its annotations are the units. objective: of the model.
    Raises ConfigError for ratings, which have no probabilities.
    """

    def __init__(self, folder: Path, targets: AnnotationSet, objective: Objective) -> None:
        if targets.scale.kind == "interval":
            raise ConfigError(
                f"dynamics=true records probabilities of labels, and {targets.name} has ratings, which have none; set "
                "dynamics=false, or data.ratings=false where the ratings are levels"
            )
        self.folder, self.targets, self.objective = folder, targets, objective
        self.parts = folder / "checkpoints" / FOLDER
        self.row: list[Tensor] = []  # of the epoch's batches so far
        self.logits: list[Tensor] = []

    def on_train_batch_end(self, trainer: L.Trainer, module: Any, outputs: Any, batch: Any, batch_index: int) -> None:
        self.row.append(batch.row)
        self.logits.append(module.logits)

    def on_train_epoch_end(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        row, logits = _together(self.row), _together(self.logits)
        label = torch.from_numpy(np.asarray(self.targets.labels))[row]
        recorded = {}
        for name, values in zip(TENSORS, observed(self.objective, logits, label, self.targets.scale.size), strict=True):
            recorded[name] = np.full(len(self.targets), np.nan, np.float32)
            recorded[name][row.numpy()] = values.numpy()
        with new_file(self.parts / f"{trainer.current_epoch:05d}.safetensors") as partial:
            partial.write_bytes(save(recorded))
        self.row, self.logits = [], []

    def finish(self) -> None:
        """Put all epochs together as `Dynamics` in the run folder. Raises RunError when an epoch's file is damaged."""
        try:
            epochs = [load_file(path) for path in sorted(self.parts.glob("*.safetensors"))]
        except (SafetensorError, OSError) as error:
            raise RunError(f"{self.parts} is damaged ({error}); delete {self.folder} and train again") from error
        table = self.targets.annotations
        columns = annotation_columns(table)
        Dynamics(table[columns], *(np.stack([epoch[name] for epoch in epochs]) for name in TENSORS)).save(
            self.folder / FOLDER
        )

    def state_dict(self) -> dict[str, Any]:
        return {"row": _together(self.row), "logits": _together(self.logits)} if self.row else {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.row, self.logits = ([state[name]] if state else [] for name in ("row", "logits"))


def _together(parts: list[Tensor]) -> Tensor:
    """The parts as one tensor on the CPU, where parts restored from a checkpoint already are."""
    return torch.cat([part.cpu() for part in parts])


def observed(objective: Objective, logits: Tensor, label: Tensor, levels: int) -> tuple[Tensor, Tensor]:
    """Log-probability of the label and its margin over the best other label, each float32 [annotation].

    logits: [annotation, width]. label: int64 [annotation], or float32 [annotation, level] for sets of levels, for which
    the other labels are all other sets. Weights of levels in the loss play no part.
    """
    logits = logits.float()
    if label.ndim == 2:
        signed = (2 * label - 1) * logits
        nearest = torch.where((signed > 0).all(-1), signed.min(-1).values, signed.clamp(max=0).sum(-1))
        return F.logsigmoid(signed).sum(-1), nearest
    unweighted = objective.objective if isinstance(objective, Weighted) else objective
    losses = [unweighted.loss(logits, torch.full_like(label, level)) for level in range(levels)]
    answers = -torch.stack(losses, -1)
    own = answers.gather(-1, label[:, None])
    others = answers.scatter(-1, label[:, None], -torch.inf).max(-1).values
    return own[:, 0], own[:, 0] - others
