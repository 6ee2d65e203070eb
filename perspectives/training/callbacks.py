"""Callbacks of the training loop: checkpoints to resume from, the history of losses, and a progress bar."""

import math
import time
import zipfile
from pathlib import Path
from typing import Any

import lightning as L
import pandas as pd
import torch
from lightning.fabric.plugins import TorchCheckpointIO
from lightning.pytorch.callbacks import Checkpoint
from tqdm import tqdm

from perspectives.errors import RunError
from perspectives.files import new_file, write_text

MONITOR = "validation/loss"


class WholeFiles(TorchCheckpointIO):
    """Writes checkpoints atomically, through a file beside them (Lightning's go through /tmp)."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None) -> None:
        with new_file(path) as partial, open(partial, "wb") as file:
            try:
                torch.save(checkpoint, file)
            except RuntimeError as error:  # torch reports a full disk as a RuntimeError about positions
                raise (error.__context__ if isinstance(error.__context__, OSError) else error) from None


class BestCheckpoint(Checkpoint):
    """Writes the weights of the epoch with the lowest validation loss, the first in case of ties, to `best.ckpt`."""

    def __init__(self, path: Path) -> None:
        self.path, self.loss = path, math.inf

    def on_train_epoch_end(self, trainer: L.Trainer, *_: Any) -> None:
        loss = float(trainer.callback_metrics[MONITOR])
        if loss < self.loss:
            self.loss = loss
            trainer.save_checkpoint(self.path, weights_only=True)

    def weights(self) -> dict[str, torch.Tensor]:
        """The weights of the best epoch. Raises RunError when the file is missing or damaged."""
        _check(self.path)
        return torch.load(self.path, weights_only=True, map_location="cpu")["state_dict"]

    def state_dict(self) -> dict[str, Any]:
        return {"loss": self.loss}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.loss = state["loss"]


class ResumeCheckpoint(Checkpoint):
    """Writes `last.ckpt` at the end of each epoch and, with `every`, every so many steps.

    No checkpoint is written after the last batch of an epoch: Lightning, when resumed from there, skips the validation
    that was still to come. None is written at the end of training either: resumed from the checkpoint before, training
    ends in the same place, whereas Lightning loses the decision of early stopping and would train one more epoch.
    """

    def __init__(self, path: Path, every: int | None = None) -> None:
        self.path, self.every = path, every

    def on_train_batch_end(self, trainer: L.Trainer, _: Any, outputs: Any, batch: Any, batch_index: int) -> None:
        stepped = (batch_index + 1) % trainer.accumulate_grad_batches == 0
        if self.every and stepped and trainer.global_step % self.every == 0 and not trainer.is_last_batch:
            trainer.save_checkpoint(self.path)

    def on_train_epoch_end(self, trainer: L.Trainer, *_: Any) -> None:
        if not trainer.should_stop and trainer.current_epoch + 1 != trainer.max_epochs:
            trainer.save_checkpoint(self.path)

    def usable(self) -> Path | None:
        """The checkpoint to resume from, if any. Raises RunError when it cannot be read."""
        if not self.path.exists():
            return None
        _check(self.path)
        return self.path


def _check(path: Path) -> None:
    """Raises RunError when the checkpoint is missing or one of its checksums does not match."""
    try:
        with zipfile.ZipFile(path) as archive:
            problem = archive.testzip()
    except (OSError, zipfile.BadZipFile) as error:
        problem = str(error)
    if problem:
        raise RunError(f"checkpoint {path} is damaged ({problem}); delete {path.parents[1]} and train again")


class History(L.Callback):
    """Losses by epoch, stored in the checkpoint, so that a resumed run writes the same `history.csv` as any other.

    rows: epoch, step and the mean losses per annotation, train_loss (while the weights change) and validation_loss
        (afterwards). start: the loss of the first batch, that is, of the untrained model. annotations_per_batch: the
        constant by which the model divides the summed loss of a batch.
    """

    def __init__(self, path: Path, annotations_per_batch: float) -> None:
        self.path, self.annotations_per_batch = path, annotations_per_batch
        self.rows: list[dict[str, float]] = []
        self.start: float | None = None
        self.total, self.count = 0.0, 0  # of this epoch: summed loss and annotations
        self.texts, self.annotations, self.seconds = 0, 0, 0.0  # of this process
        self.clock = 0.0

    def on_train_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        self.clock = time.perf_counter()

    def on_train_batch_end(
        self, trainer: L.Trainer, module: L.LightningModule, outputs: Any, batch: Any, batch_index: int
    ) -> None:
        divided = trainer.accumulate_grad_batches * self.annotations_per_batch  # by Lightning and the model
        loss = float(outputs["loss"]) * divided
        if self.start is None:
            self.start = loss / len(batch.label)
        self.total += loss
        self.count += len(batch.label)
        self.texts += len(batch.item)
        self.annotations += len(batch.label)

    def on_validation_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        self.seconds += time.perf_counter() - self.clock

    def on_validation_end(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        self.clock = time.perf_counter()  # checkpoints and the next epoch count as training time

    def on_train_end(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        self.seconds += time.perf_counter() - self.clock

    def on_train_epoch_end(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        validation = float(trainer.callback_metrics[MONITOR])
        row = {"epoch": trainer.current_epoch, "step": trainer.global_step, "train_loss": self.total / self.count}
        self.rows.append(row | {"validation_loss": validation})
        self.total, self.count = 0.0, 0
        write_text(self.path, pd.DataFrame(self.rows).to_csv(index=False))
        if trainer.logger is not None:
            losses = {"train/loss": row["train_loss"], MONITOR: validation, "epoch": trainer.current_epoch}
            trainer.logger.log_metrics(losses, trainer.global_step)

    def throughput(self) -> dict[str, float]:
        """Time and rates of training in this process, without validation; empty if nothing was trained."""
        if not self.seconds:
            return {}
        rates = {
            "texts_per_second": self.texts / self.seconds,
            "annotations_per_second": self.annotations / self.seconds,
        }
        return {"train_seconds": self.seconds, **rates}

    def state_dict(self) -> dict[str, Any]:
        return {"rows": self.rows, "start": self.start, "total": self.total, "count": self.count}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.rows, self.start = list(state["rows"]), state["start"]
        self.total, self.count = state["total"], state["count"]


class Progress(L.Callback):
    """One progress bar over all epochs, on terminals only; it closes early when training stops early."""

    def on_train_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        batches = trainer.num_training_batches
        done = trainer.fit_loop.total_batch_idx + 1
        total = (trainer.max_epochs or 1) * int(batches)
        self.bar = tqdm(total=total, initial=done, desc="training", unit="batch", leave=False, disable=None)

    def on_train_batch_end(self, *_: Any) -> None:
        self.bar.update()

    def on_train_epoch_end(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        validation = float(trainer.callback_metrics[MONITOR])
        self.bar.set_postfix(epoch=trainer.current_epoch + 1, validation_loss=f"{validation:.4f}")

    def on_train_end(self, *_: Any) -> None:
        self.bar.close()

    def on_exception(self, *_: Any) -> None:
        if hasattr(self, "bar"):
            self.bar.close()
