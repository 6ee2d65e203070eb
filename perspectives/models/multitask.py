"""One head per annotator on a shared encoder (Davani, Díaz & Prabhakaran 2022, Dealing with Disagreements, TACL 10).

`shared` adds a head that everyone shares and turns the annotators' own heads into deviations from it, which start at 0
and are decayed, so that people with few annotations lean on what all have in common.
"""

from typing import Any

import torch
from torch import Tensor, nn

from perspectives.models.base import AnnotatorModel
from perspectives.models.layers import AnnotatorHeads


class MultiTask(AnnotatorModel):
    """Per-annotator heads.

    shared: add the shared head (the paper has none). deviation_decay: decoupled weight decay of the annotators' own
    heads when there is a shared one; larger values pull people more towards the shared answer.

    People never seen in training get the shared head's answer, or without one the mean prediction of all heads, each
    weighted by its training annotations.
    """

    def __init__(
        self,
        encoder: Any,
        schema: Any,
        optimization: Any,
        shared: bool = False,
        deviation_decay: float = 0.0,
        **options: Any,
    ) -> None:
        super().__init__(encoder, schema, optimization, **options)
        self.heads = AnnotatorHeads(len(schema.annotators) + 1, self.objective.width, encoder.hidden)
        self.shared = nn.Linear(encoder.hidden, self.objective.width) if shared else None
        if self.shared is not None:
            nn.init.zeros_(self.shared.weight)
            nn.init.zeros_(self.shared.bias)
        self.deviation_decay = deviation_decay
        share = torch.from_numpy(schema.counts / schema.counts.sum()).float()
        self.share: Tensor
        self.register_buffer("share", share, persistent=False)

    def pairs(self, content: Tensor, item_index: Tensor, annotator: Tensor) -> Tensor:
        own = self.heads.pairs(content, item_index, annotator)
        return own if self.shared is None else own + self.shared(content)[item_index]

    def predict_pairs(self, content: Tensor, item_index: Tensor, annotator: Tensor) -> Tensor:
        answers = super().predict_pairs(content, item_index, annotator)
        unseen = annotator == 0
        if self.shared is None and bool(unseen.any()):
            answers[unseen] = self.population(content)[item_index[unseen]]
        return answers  # with a shared head the deviation of code 0 was never trained and is exactly zero

    def everyone(self, content: Tensor, annotator: Tensor) -> Tensor:
        logits = self.heads.everyone(content, annotator)
        answers = self.objective.predict(logits if self.shared is None else logits + self.shared(content)[:, None])
        if self.shared is None and bool((annotator == 0).any()):
            answers[:, annotator == 0] = self.population(content)[:, None]
        return answers

    def population(self, content: Tensor) -> Tensor:
        """The mean prediction of all heads weighted by their training annotations, [item, level]."""
        everyone = torch.arange(1, len(self.share), device=content.device)
        answers = self.objective.predict(self.heads.everyone(content, everyone))
        return torch.einsum("ial,a->il", answers, self.share[1:])

    def parameter_groups(self) -> list[dict[str, Any]]:
        groups = super().parameter_groups()
        if self.shared is None:
            return groups
        own = self.heads.table
        for group in groups:
            group["params"] = [p for p in group["params"] if p is not own]
        deviations = {"params": [own], "lr": self.optimization.lr, "weight_decay": self.deviation_decay}
        return [group for group in groups if group["params"]] + [deviations]
