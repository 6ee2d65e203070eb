"""The training loop all methods share: encode each text once, predict the observed pairs, sum the losses."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import lightning as L
import torch
from torch import Tensor, nn

from perspectives.data.annotators import Annotators
from perspectives.data.batches import Batch
from perspectives.data.schema import Schema
from perspectives.models.layers import AnnotatorTable
from perspectives.models.objectives import objective_for
from perspectives.models.optim import RowAdamW, clip_gradients

STEPS_PER_EPOCH_LIMIT = 1_000_003  # seeds of different epochs are distinct up to this many batches
PAIRS_AT_ONCE = 2**17  # in `everyone`: with a few hundred numbers each, about 100 MB
EXPONENT = 0.1  # of the learning rate's decay per epoch
LARGEST_SEED = 2**63  # torch takes no larger seed, and a date as the run's seed would exceed it


@dataclass(frozen=True)
class Optimization:
    """Options of the optimizer.

    lr: learning rate of heads and other new parameters. encoder_lr: of a fine-tuned encoder. annotator_lr: of the
    vectors of annotators and groups, which few steps update. weight_decay: decoupled, on matrices only (the table of
    annotators' heads is one, its biases included). warmup: share of all steps with a rising rate. decay: `none`,
    `linear` to zero at the last step, or `exponential`, by exp(-0.1) after each epoch (Davani et al. 2022).
    annotations_per_batch: the constant the summed loss is divided by (items per batch × mean training annotations per
    item), so that micro-batches add up to the whole batch.
    """

    lr: float
    encoder_lr: float
    annotator_lr: float
    weight_decay: float
    warmup: float
    decay: str
    annotations_per_batch: float


class AnnotatorModel(L.LightningModule):
    """An encoder, an annotator-aware head and an objective.

    A method implements `pairs`; one that ignores the annotator sets `blind`; one that learns to predict for unseen
    people sets `id_dropout`, the share of a batch's annotators whose ids are hidden from it.
    Everything random in a step is a function of (seed, epoch, batch), so that a resumed run repeats an uninterrupted
    one bit for bit.

    objective: what the outputs mean and their loss; None for the default of the scale. class_weights: weights of levels
    in the loss, `balanced` or one number per level; they bias probabilities, and therefore soft metrics and juries.
    dropout: on the content vector.
    """

    blind = False
    joint_groups = False  # whether the model has a vector per combination of demographic values
    id_dropout = 0.0

    def __init__(
        self,
        encoder: nn.Module,
        schema: Schema,
        optimization: Optimization,
        seed: int = 0,
        objective: str | None = None,
        class_weights: str | Sequence[float] | None = None,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.encoder, self.schema, self.optimization, self.seed = encoder, schema, optimization, seed
        self.objective = objective_for(schema.scale, objective, class_weights, schema.level_counts)
        self.dropout = nn.Dropout(dropout)
        self._validation = [0.0, 0]  # summed loss and number of annotations
        self.logits = torch.empty(0)  # [annotation, width] of the last training batch, for callbacks

    # Implemented by methods. ---------------------------------------------------------------------------------------

    def pairs(self, content: Tensor, annotators: Annotators, item_index: Tensor, annotator_index: Tensor) -> Tensor:
        """Logits [annotation, width] of the pairs (item_index, annotator_index), rows of `content` [item, hidden] and
        of `annotators`."""
        raise NotImplementedError

    def predict_pairs(
        self, content: Tensor, annotators: Annotators, item_index: Tensor, annotator_index: Tensor
    ) -> Tensor:
        """Predicted answers [annotation, level] of the pairs; annotators may be unknown (code 0)."""
        return self.objective.predict(self.pairs(content, annotators, item_index, annotator_index))

    def everyone(self, content: Tensor, annotators: Annotators) -> Tensor:
        """Predicted answers [item, annotator, level] of these annotators for all texts ([item, 1, level] if blind)."""
        people = annotators[:1] if self.blind else annotators
        index = torch.arange(len(people), device=content.device)
        step = max(1, PAIRS_AT_ONCE // max(len(people), 1))
        answers = []
        for block in content.split(step):
            item_index = torch.arange(len(block), device=content.device).repeat_interleave(len(people))
            answers.append(self.predict_pairs(block, people, item_index, index.repeat(len(block))))
        return torch.cat(answers).view(len(content), len(people), -1)

    def annotator_tables(self) -> list[tuple[Tensor, Tensor]]:
        """The parameters [code, …] with a row per annotator, which `adaptation` learns, each with the row [1, …] from
        which a new annotator starts. Empty for methods without parameters of individual annotators."""
        return []

    # The loop. -----------------------------------------------------------------------------------------------------

    def encode(self, batch: Batch) -> Tensor:
        """Content vectors float32 [item, hidden], each scaled to mean 0 and variance 1 over its own entries.

        It has no parameters. With it, one learning rate suits every encoder, and cached and live content agree.
        """
        content = self.encoder(batch)
        return self.dropout(nn.functional.layer_norm(content, content.shape[-1:]))

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        step = (self.seed * STEPS_PER_EPOCH_LIMIT + self.current_epoch) * STEPS_PER_EPOCH_LIMIT + batch_index
        torch.manual_seed(step % LARGEST_SEED)
        annotators = batch.annotators
        if self.id_dropout:
            hidden = torch.rand(len(annotators), device=annotators.code.device) < self.id_dropout
            annotators = annotators.without_ids(hidden)
        logits = self.pairs(self.encode(batch), annotators, batch.item_index, batch.annotator_index)
        self.logits = logits.detach()
        return self.objective.loss(logits, batch.label).sum() / self.optimization.annotations_per_batch

    def on_validation_epoch_start(self) -> None:
        self._validation = [0.0, 0]

    def validation_losses(self, content: Tensor, batch: Batch) -> Tensor:
        """Loss float32 [annotation] of the predictions for a batch's pairs, of known and unknown annotators alike;
        content: [item, hidden]."""
        logits = self.pairs(content, batch.annotators, batch.item_index, batch.annotator_index)
        return self.objective.loss(logits, batch.label)

    def validation_step(self, batch: Batch, batch_index: int) -> None:
        self._validation[0] += float(self.validation_losses(self.encode(batch), batch).sum())
        self._validation[1] += len(batch.label)

    def on_validation_epoch_end(self) -> None:
        self.log("validation/loss", self._validation[0] / max(self._validation[1], 1), prog_bar=True)

    # Optimization. -------------------------------------------------------------------------------------------------

    def parameter_groups(self) -> list[dict[str, Any]]:
        """Groups for encoder, annotators' vectors and other parameters; no weight decay on vectors (biases, norms)."""
        options = self.optimization
        rates = {id(p): options.encoder_lr for p in self.encoder.parameters()}
        tables = [module.weight for module in self.modules() if isinstance(module, AnnotatorTable)]
        rates |= {id(table): options.annotator_lr for table in tables}
        groups: dict[tuple[float, float], list[nn.Parameter]] = {}
        for p in self.parameters():
            if p.requires_grad:
                decay = options.weight_decay if p.ndim > 1 else 0.0
                groups.setdefault((rates.get(id(p), options.lr), decay), []).append(p)
        return [{"params": ps, "lr": rate, "weight_decay": decay} for (rate, decay), ps in groups.items()]

    def configure_optimizers(self) -> Any:
        optimizer = RowAdamW(self.parameter_groups(), lr=self.optimization.lr)
        if not self.optimization.warmup and self.optimization.decay == "none":
            return optimizer
        per_epoch = self._steps_per_epoch()
        total = per_epoch * (self.trainer.max_epochs or 1)
        warmup = round(self.optimization.warmup * total)
        decay = self.optimization.decay

        def factor(step: int) -> float:
            if step < warmup:
                return (step + 1) / warmup
            if decay == "linear":
                return max(0.0, (total - step) / max(1, total - warmup))
            return math.exp(-EXPONENT * (step // per_epoch)) if decay == "exponential" else 1.0

        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

    def _steps_per_epoch(self) -> int:
        """Optimizer steps in an epoch.

        Lightning's `estimated_stepping_batches` would set the loader up before its place in the epoch is restored from
        a checkpoint; a training killed in the middle of an epoch would then repeat the epoch's start.
        """
        loader: Any = self.trainer.fit_loop._data_source.instance
        batches = len(loader)
        return -(-batches // self.trainer.accumulate_grad_batches)

    def configure_gradient_clipping(
        self, optimizer: Any, gradient_clip_val: Any = None, gradient_clip_algorithm: Any = None
    ) -> None:
        if gradient_clip_val:
            clip_gradients((p for group in optimizer.param_groups for p in group["params"]), gradient_clip_val)

    def trained_state(self) -> dict[str, Tensor]:
        """The trained parameters, for `model.safetensors`; a frozen encoder is loaded by its name instead."""
        trained = {name for name, parameter in self.named_parameters() if parameter.requires_grad}
        return {name: tensor.contiguous() for name, tensor in self.state_dict().items() if name in trained}
