"""Training one AnnotatorModel and predicting with it."""

import os
import shutil
import time
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import torch
from lightning.pytorch.callbacks import EarlyStopping
from lightning.pytorch.plugins.environments import LightningEnvironment
from omegaconf import DictConfig
from safetensors.torch import save as serialized
from tqdm import tqdm

from perspectives.config import instantiate
from perspectives.data.annotations import AnnotationSet, annotation_columns
from perspectives.data.batches import Batches
from perspectives.data.controls import shuffled_demographics, shuffled_ids
from perspectives.data.schema import Schema
from perspectives.data.splits import Split
from perspectives.data.tokens import Tokens
from perspectives.errors import ConfigError, DataError, DataWarning, RunError
from perspectives.files import new_file, write_text
from perspectives.models.encoder import Encoder
from perspectives.models.ensemble import ONE_ANNOTATOR, labels_of
from perspectives.models.knowledge import uses_demographics
from perspectives.models.majority import MAJORITY_ID, inferred_labels, majority_labels
from perspectives.predictions import Predictions
from perspectives.quality.aggregation.methods import METHODS
from perspectives.quality.recording import Recording
from perspectives.runs.run import Run
from perspectives.training.adaptation import adapt, introduce
from perspectives.training.callbacks import MONITOR, BestCheckpoint, History, Progress, ResumeCheckpoint, WholeFiles
from perspectives.training.lightning_setup import interruptible, quiet
from perspectives.training.rebuilding import build_model, content, device_of, read_weights, restore

DIVERGED = 100.0  # a best validation loss this many times the untrained model's counts as divergence


class Training:
    """One training: data, encoder, model, and the run folder for the results.

    annotations: the whole corpus. split: its parts. Everything is derived from them and the configuration, so that a
    resumed process rebuilds exactly the state of the interrupted one.
    """

    def __init__(self, config: DictConfig, annotations: AnnotationSet, split: Split, run: Run) -> None:
        """Raises DataError, ConfigError or RunError for what cannot be trained or written."""
        self.config, self.annotations, self.split, self.run = config, annotations, split, run
        self.seen = annotations  # as the model sees them
        if config.control == "shuffled_demographics":
            self.seen = shuffled_demographics(annotations, config.seed)
        people = self.seen.select(split.rows("train"))
        self.people = Schema.of(people, config.model.get("attributes"))
        self.targets = {part: self._targets(part) for part in ("train", "validation")}
        self.schema = self.people if self._sees_everyone else Schema.of(self.targets["train"])
        if config.model.get("target") == ONE_ANNOTATOR:
            self.people = self.schema  # the model saw nothing of other annotators
        L.seed_everything(config.seed, verbose=False)
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")  # or tokenizers warns when wandb starts its process
        self.device = device_of(config.trainer.accelerator)
        encoder = instantiate(config.encoder)
        started = time.perf_counter()
        self.tokens, module = self._content(encoder)
        self.encode_seconds = time.perf_counter() - started
        per_batch = self._annotations_per_batch()
        self.model = build_model(config, module, self.schema, per_batch)
        self.history = History(run.folder / "history.csv", per_batch)
        recorded = [self.targets["train"]] if config.dynamics else []
        self.recordings = [Recording(run.folder, targets, self.model.objective) for targets in recorded]
        for warning in self._doubts():
            warnings.warn(warning, DataWarning, stacklevel=2)
        if config.predictions.everyone:
            check_budget(self._everyone_shape(), config.predictions.max_bytes)

    def _doubts(self) -> Iterator[str]:
        """Warnings about configurations that can be trained but may not do what was intended."""
        options = self.config.model
        if options.get("class_weights") is not None:
            yield (
                "model.class_weights bias the predicted probabilities, and with them soft metrics and juries; compare "
                "with model.class_weights=null before you rely on either"
            )
        if self.config.adapt and not self.model.annotator_tables():
            yield f"model={options.name} models no individual annotators, so adapt={self.config.adapt} has no effect"
        if self.config.control == "shuffled_demographics" and not (
            self.schema.attributes and uses_demographics(options)
        ):
            yield f"model={options.name} sees no demographics here, so control=shuffled_demographics has no effect"
        if counts := self._without_group():
            yield (
                f"{counts[0]} of {counts[1]} people in test have a combination of demographic values that nobody "
                "has in training; model.groups=joint does not represent them, model.groups=per_attribute does"
            )
        if not self.model.blind and np.median(self.schema.training_labels) < 2:
            yield (
                f"{self.annotations.name}: most annotators have one training label, so there is nothing to learn about "
                "individuals; use model=softlabel, or data that identifies the annotators"
            )

    def _without_group(self) -> tuple[int, int] | None:
        """How many people in test lack a group in the model, and how many there are; None if all have one."""
        people = np.unique(self.seen.annotator_index[self.split.rows("test")])
        group = self.schema.encode(self.seen.annotators.iloc[people]).group
        unknown = int((group == 0).sum())
        return (unknown, len(people)) if self.model.joint_groups and unknown else None

    @property
    def _sees_everyone(self) -> bool:
        return "target" not in self.config.model

    def _targets(self, part: str) -> AnnotationSet:
        """The model's training targets: the annotations of a part, or one label per item derived from them."""
        kept = self._shown(self.split.rows(part))
        if not self._sees_everyone:
            kept = self._target(kept, part)
        if not len(kept):
            raise DataError(
                f"{self.annotations.name} has nothing to learn from in {part}; choose another split or tie rule"
            )
        return kept

    def _target(self, shown: AnnotationSet, part: str) -> AnnotationSet:
        """The annotations of a part as transformed by `model.target`."""
        options = self.config.model
        if options.target == MAJORITY_ID:
            return majority_labels(shown, options.tie, self.config.seed)
        if options.target == ONE_ANNOTATOR:
            own = labels_of(shown, options.annotator)
            return own if len(own) or part == "train" else shown  # early stopping needs held-out texts
        if options.target in METHODS:
            return inferred_labels(shown, options.target, options.tie, self.config.seed)
        raise ConfigError(
            f"model.target={options.target!r} is unknown; choose {ONE_ANNOTATOR} or one of {', '.join(METHODS)}"
        )

    def _shown(self, rows: np.ndarray) -> AnnotationSet:
        """The annotations at these rows as the model sees them, with all items and annotators."""
        kept = replace(self.seen, annotations=self.seen.annotations.iloc[rows].reset_index(drop=True))
        return shuffled_ids(kept, self.config.seed) if self.config.control == "shuffled_ids" else kept

    def _shots(self) -> AnnotationSet:
        """New annotators' labels of the texts set aside for adaptation, as the model sees them."""
        known, new = self.split.rows("train"), self.split.shots(self.config.adapt)
        shown = self._shown(np.concatenate([known, new]))  # ids are shuffled among all who labelled an item
        return replace(shown, annotations=shown.annotations.iloc[len(known) :].reset_index(drop=True))

    def _annotations_per_batch(self) -> float:
        """Expected number of annotations in a batch of the configured size, by which the summed loss is divided."""
        per_item = np.bincount(self.targets["train"].item_index)
        limit = self.config.trainer.raters_per_item or per_item.max()
        return float(self.config.trainer.batch_size * np.minimum(per_item[per_item > 0], limit).mean())

    def _content(self, encoder: Encoder) -> tuple[Tokens | None, torch.nn.Module]:
        train = np.unique(self.annotations.item_index[self.split.rows("train")])
        encoder.fit(self.annotations.texts.iloc[train])
        encoder.save(self.run.folder)
        return content(encoder, self.annotations.texts, self.config.paths.cache, self.device)

    def batches(self, annotations: AnnotationSet, rows: np.ndarray, **options: Any) -> Batches:
        """Batches of these rows; annotators the model does not know have code 0."""
        annotators = self.schema.encode(annotations.annotators)
        return Batches(annotations, rows, annotators, self.config.trainer.batch_size, tokens=self.tokens, **options)

    # Fitting. ------------------------------------------------------------------------------------------------------

    def fit(self, logger: Any = None) -> None:
        """Train to the best validation loss, resuming where interrupted, and adapt to new annotators if configured.
        Writes `schema.json` and `model.safetensors`.

        logger: a Lightning logger, or None. Raises RunError when a checkpoint is damaged, a file cannot be written or
        training diverged, and KeyboardInterrupt when it was interrupted (Ctrl-C, SIGTERM).
        """
        weights = self.run.folder / "model.safetensors"
        checkpoints = self.run.folder / "checkpoints"
        if weights.exists():
            self._introduce(self._shots())
            restore(self.model, read_weights(weights), self.run)
        else:
            self._fit(checkpoints, logger)
            self._adapt(self._shots())
            self.schema.save(self.run.folder / "schema.json")
            with new_file(weights) as partial:
                partial.write_bytes(serialized(self.model.trained_state()))
        shutil.rmtree(checkpoints, ignore_errors=True)  # four times as large as the weights

    def _fit(self, checkpoints: Path, logger: Any) -> None:
        """Train from the last checkpoint, if any, then restore the weights of the best epoch."""
        best = BestCheckpoint(checkpoints / "best.ckpt")
        resume = ResumeCheckpoint(checkpoints / "last.ckpt", self.config.trainer.checkpoint_every)
        stop = EarlyStopping(MONITOR, patience=self.config.trainer.patience, min_delta=0.0, check_finite=True)
        options = {"seed": self.config.seed, "raters_per_item": self.config.trainer.raters_per_item}
        train, validation = (self.targets[part] for part in ("train", "validation"))
        loaders = (
            self.batches(train, np.arange(len(train)), shuffle=True, **options),
            self.batches(validation, np.arange(len(validation))),
        )
        with quiet(), interruptible():
            trainer = self._trainer([stop, self.history, *self.recordings, best, resume], logger)
            trainer.fit(self.model, *loaders, ckpt_path=resume.usable(), weights_only=True)
        self._refuse_divergence(best)
        for recording in self.recordings:
            recording.finish()
        restore(self.model, best.weights(), self.run)

    def _introduce(self, shots: AnnotationSet) -> None:
        """Add rows for the annotators of `shots`, where the model has annotator tables."""
        if len(shots) and self.model.annotator_tables():
            introduce(self.model, shots)
            self.schema = self.model.schema

    def _adapt(self, shots: AnnotationSet) -> None:
        """Train the rows of new annotators; those in validation determine the number of epochs."""
        self._introduce(shots)
        if self.schema.adapted:
            validation = self.targets["validation"]
            self.model.to(self.device)
            losses = adapt(
                self.model,
                self.batches(shots, np.arange(len(shots))),
                self.batches(validation, np.arange(len(validation))),
            )
            write_text(self.run.folder / "adaptation.csv", losses.to_csv(index=False))

    def _refuse_divergence(self, best: BestCheckpoint) -> None:
        losses = [row["validation_loss"] for row in self.history.rows]
        advice = "try a smaller optim.lr or optim.encoder_lr"
        if not np.isfinite(losses[-1]):
            raise RunError(f"training diverged: the loss of {self.run.folder.name} is not a number; {advice}")
        start = max(self.history.start or 0.0, self._loss_of_zeros())
        if start and best.loss > DIVERGED * start:
            raise RunError(
                f"training diverged: the best validation loss of {self.run.folder.name} is {best.loss:.3g}, against "
                f"{start:.3g} before any training; {advice}"
            )

    def _loss_of_zeros(self) -> float:
        """Mean validation loss of zero outputs, with which heads start. The first training labels may be far easier
        than those of validation, when they are few or all the same."""
        validation = self.targets["validation"]
        labels = torch.from_numpy(self.batches(validation, np.arange(len(validation))).labels)
        return float(self.model.objective.loss(torch.zeros(len(labels), self.model.objective.width), labels).mean())

    def _trainer(self, callbacks: list[L.Callback], logger: Any) -> L.Trainer:
        options = self.config.trainer
        return L.Trainer(
            max_epochs=options.max_epochs,
            accelerator=options.accelerator,
            devices=1,
            precision=options.precision,
            accumulate_grad_batches=options.accumulate,
            gradient_clip_val=options.gradient_clip,
            callbacks=[*callbacks, Progress()] if options.progress else callbacks,
            logger=logger or False,
            enable_progress_bar=False,
            enable_model_summary=False,
            enable_checkpointing=True,
            num_sanity_val_steps=0,
            use_distributed_sampler=False,
            default_root_dir=self.run.folder,
            # One process per training: under SLURM, Lightning would otherwise count tasks and requeue jobs.
            plugins=[WholeFiles(), LightningEnvironment()],
        )

    # Predicting. ---------------------------------------------------------------------------------------------------

    def predict(self, part: str, everyone: bool = False) -> Predictions:
        """Predictions for the pairs of a part; with `everyone`, also for all annotators."""
        rows = self.split.rows(part)
        judged = self.annotations.select(rows)
        columns = annotation_columns(judged.annotations)
        training_labels = self.people.counts[self.people.codes(judged.annotations["annotator_id"])]
        values = np.empty((len(self.annotations), self.annotations.scale.size), np.float32)
        grid = np.empty(self._everyone_shape(), np.float32) if everyone else None
        position = np.full(len(self.annotations.items), -1)
        position[np.unique(self.annotations.item_index[rows])] = np.arange(len(judged.items))
        people = self.schema.encode(self.seen.annotators).to(self.device)
        model = self.model.eval().to(self.device)
        batches = self.batches(self.seen, rows)
        hidden = None if self.config.trainer.progress else True  # None: shown on terminals only
        with torch.inference_mode():
            for batch in tqdm(batches, desc=f"predicting {part}", unit="batch", leave=False, disable=hidden):
                moved = batch.to(self.device)
                content = model.encode(moved)
                answers = model.predict_pairs(content, moved.annotators, moved.item_index, moved.annotator_index)
                values[batch.row.numpy()] = answers.cpu().numpy()
                if grid is not None:
                    grid[position[batch.item.numpy()]] = model.everyone(content, people).cpu().numpy()
        about = {"method": self.config.model.name, "seed": self.config.seed}
        if self.schema.adapted:
            about["adaptation_labels"] = self.config.adapt  # per new annotator; these are not training labels
        pairs = judged.annotations[columns].assign(training_labels=training_labels)
        return Predictions(
            self.annotations.scale, pairs, values[rows], judged.items, self.annotations.annotators, grid, about
        )

    def _everyone_shape(self) -> tuple[int, int, int]:
        """[item, annotator, level] of everyone's answers to the test items; one annotator if the model is blind."""
        items = len(np.unique(self.annotations.item_index[self.split.rows("test")]))
        return items, 1 if self.model.blind else len(self.annotations.annotators), self.annotations.scale.size

    def throughput(self) -> dict[str, float]:
        return {"encode_seconds": self.encode_seconds, **self.history.throughput()}


def check_budget(shape: tuple[int, int, int], budget: int) -> None:
    """Raises ConfigError when everyone's answers, float32 of `shape`, would take more bytes than `budget`."""
    cost = 4 * int(np.prod(shape, dtype=np.int64))
    if cost > budget:
        raise ConfigError(
            f"everyone's answers would take {cost:,} bytes ({' × '.join(map(str, shape))} numbers), more than "
            f"predictions.max_bytes={budget:,}; raise it, predict fewer items, or leave predictions.everyone=false"
        )
