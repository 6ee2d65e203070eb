"""One head per annotator on a shared encoder (Davani, Díaz & Prabhakaran 2022, Dealing with Disagreements, TACL 10).

`shared` adds a head that everyone shares and turns the annotators' own heads into deviations from it, which start at 0
and are decayed, so that people with few annotations rely on the shared head. `group_layers` inserts, between encoder
and heads, a layer shared by people with the same demographic value (Orlikowski, Röttger, Cimiano & Hovy 2023, The
Ecological Fallacy in Annotation, ACL).
"""

from typing import Any

import torch
from torch import Tensor, nn

from perspectives.data.annotators import Annotators
from perspectives.data.batches import Batch
from perspectives.data.schema import Schema
from perspectives.errors import ConfigError
from perspectives.models.base import AnnotatorModel, Optimization
from perspectives.models.layers import AnnotatorHeads, GroupLayers

UNSEEN = ("mean", "group")


class MultiTask(AnnotatorModel):
    """Per-annotator heads.

    shared: add the shared head (the paper has none). deviation_decay: decoupled weight decay of the annotators' own
    heads when there is a shared one; larger values pull people more towards the shared answer.
    unseen: the prediction for people not seen in training without a shared head: the `mean` prediction of all heads,
    each weighted by its training annotations, or the mean over their demographic `group`s: for each known attribute the
    mean of those with the same value, then the mean over attributes. With a shared head they get its answer.
    group_layers: name of the attribute whose values get a layer each; None for none.

    Raises ConfigError for an unknown option or attribute.
    """

    def __init__(
        self,
        encoder: Any,
        schema: Schema,
        optimization: Optimization,
        shared: bool = False,
        deviation_decay: float = 0.0,
        unseen: str = "mean",
        group_layers: str | None = None,
        **options: Any,
    ) -> None:
        super().__init__(encoder, schema, optimization, **options)
        if unseen not in UNSEEN:
            raise ConfigError(f"model.unseen={unseen!r} is unknown; choose one of {', '.join(UNSEEN)}")
        self.heads = AnnotatorHeads(len(schema.people) + 1, self.objective.width, encoder.hidden)
        self.shared = nn.Linear(encoder.hidden, self.objective.width) if shared else None
        if self.shared is not None:
            nn.init.zeros_(self.shared.weight)
            nn.init.zeros_(self.shared.bias)
        self.groups = None if group_layers is None else GroupLayers(schema, group_layers, encoder.hidden)
        self.deviation_decay, self.unseen = deviation_decay, unseen
        self.share: Tensor
        self.members: Tensor
        share = torch.from_numpy(schema.training_labels / schema.training_labels.sum()).float()
        self.register_buffer("share", share, persistent=False)
        self.register_buffer("members", torch.from_numpy(schema.members), persistent=False)

    def pairs(self, content: Tensor, annotators: Annotators, item_index: Tensor, annotator_index: Tensor) -> Tensor:
        own = self._own(content, annotators)[item_index, annotator_index]
        return own if self.shared is None else own + self.shared(content)[item_index]

    def predict_pairs(
        self, content: Tensor, annotators: Annotators, item_index: Tensor, annotator_index: Tensor
    ) -> Tensor:
        return self.everyone(content, annotators)[item_index, annotator_index]

    def everyone(self, content: Tensor, annotators: Annotators) -> Tensor:
        logits = self._own(content, annotators)
        if self.shared is not None:  # the deviation of code 0 was never trained and is exactly zero
            return self.objective.predict(logits + self.shared(content)[:, None])
        answers = self.objective.predict(logits)
        unseen = annotators.code == 0
        if bool(unseen.any()):
            answers[:, unseen] = self._of_the_unseen(content, annotators.attributes[unseen])
        return answers

    def validation_losses(self, content: Tensor, batch: Batch) -> Tensor:
        losses = super().validation_losses(content, batch)
        unseen = batch.annotators.code[batch.annotator_index] == 0
        if self.shared is None and bool(unseen.any()):  # whose own head is never trained: predicted from others' heads
            pairs = batch.item_index[unseen], batch.annotator_index[unseen]
            answers = self.predict_pairs(content, batch.annotators, *pairs)
            losses[unseen] = self.objective.loss_of_answers(answers, batch.label[unseen])
        return losses

    def annotator_tables(self) -> list[tuple[Tensor, Tensor]]:
        """The table of heads. A new annotator starts at the shared head, that is, without deviation; without a shared
        head, at the mean of all heads, each weighted by its training annotations."""
        table = self.heads.table
        start = table[:1] if self.shared is not None else self.share[None] @ table[1 : len(self.share) + 1]
        return [(table, start.detach())]

    def _own(self, content: Tensor, annotators: Annotators) -> Tensor:
        """Logits [item, annotator, width] of the annotators' own heads."""
        if self.groups is None:
            return self.heads.everyone(content, annotators.code)
        values = self.groups.values_of(annotators)
        logits = content.new_zeros(len(content), len(annotators), self.objective.width)
        for value in values.unique():
            members = values == value
            own = self.heads.everyone(self.groups(content, value), annotators.code[members])
            logits[:, members] = own.to(logits.dtype)  # autocast computes them in 16 bits
        return logits

    def _of_the_unseen(self, content: Tensor, attributes: Tensor) -> Tensor:
        """Predictions [item, unseen, level] for unseen people with these attribute codes: means over other heads."""
        code = torch.arange(1, len(self.share) + 1, device=content.device)
        answers = self.objective.predict(self._own(content, Annotators(code, self.members, code)))
        if self.unseen == "mean" or not attributes.shape[1]:
            return torch.einsum("ial,a->il", answers, self.share)[:, None].expand(-1, len(attributes), -1)
        distinct, position = attributes.unique(dim=0, return_inverse=True)
        return torch.einsum("ial,ga->igl", answers, self._speakers(distinct))[:, position]

    def _speakers(self, attributes: Tensor) -> Tensor:
        """Weights of training annotators in predictions for people with these attribute codes, [group, annotator]; rows
        sum to 1. Where no attribute is known, weights are shares of training annotations."""
        alike = (attributes[:, None] == self.members) & (attributes[:, None] > 0)  # [group, annotator, attribute]
        weight = alike * self.share[:, None]
        total = weight.sum(1, keepdim=True)
        of_attribute = weight / total.clamp_min(torch.finfo(total.dtype).tiny)
        known = (total > 0).sum(-1)
        return torch.where(known > 0, of_attribute.sum(-1) / known.clamp_min(1), self.share)

    def parameter_groups(self) -> list[dict[str, Any]]:
        groups = super().parameter_groups()
        if self.shared is None:
            return groups
        own = self.heads.table
        for group in groups:
            group["params"] = [p for p in group["params"] if p is not own]
        deviations = {"params": [own], "lr": self.optimization.lr, "weight_decay": self.deviation_decay}
        return [group for group in groups if group["params"]] + [deviations]
