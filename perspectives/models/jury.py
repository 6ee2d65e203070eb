"""Jury Learning (Gordon et al. 2022, CHI): a Deep & Cross Network over text, annotator and demographic group.

Cross and deep layers predict an annotator's answer from the content vector, a vector of the annotator and a vector of
their demographic group. Juries of such answers are drawn later, from Predictions.
"""

from typing import Any

from torch import Tensor

from perspectives.data.annotators import Annotators
from perspectives.data.schema import Schema
from perspectives.errors import ConfigError
from perspectives.models.base import AnnotatorModel, Optimization
from perspectives.models.cross_network import CrossNetwork
from perspectives.models.layers import AnnotatorEmbedding


class Jury(AnnotatorModel):
    """Content ⊕ annotator ⊕ group → Deep & Cross Network → answer.

    ids: whether annotators have vectors of their own, `id_width` numbers each. groups: `joint`, one vector per
    combination of demographic values, as published, or `per_attribute`; `group_width` numbers each. Without ids and
    attributes the model ignores the annotator: the text-only ablation.
    structure, cross_layers, deep_layers, deep_width, rank, deep_dropout: see `CrossNetwork`.
    id_dropout: share of annotators per batch whose id is hidden, which trains the vector of unseen people.
    freeze_after: epochs after which a fine-tuned encoder is frozen while the rest continues to train; None for never.

    Raises ConfigError for unknown options.
    """

    def __init__(
        self,
        encoder: Any,
        schema: Schema,
        optimization: Optimization,
        ids: bool = True,
        id_width: int = 32,
        groups: str = "joint",
        group_width: int = 32,
        structure: str = "stacked",
        cross_layers: int = 1,
        deep_layers: int = 1,
        deep_width: int = 128,
        rank: int | None = None,
        deep_dropout: float = 0.0,
        id_dropout: float = 0.1,
        freeze_after: int | None = None,
        **options: Any,
    ) -> None:
        super().__init__(encoder, schema, optimization, **options)
        if freeze_after is not None and not getattr(encoder, "trainable", False):
            raise ConfigError(
                "model.freeze_after needs an encoder that is trained until then; set encoder.tune=full or lora, or null"
            )
        self.side = AnnotatorEmbedding(schema, ids, id_width, groups, group_width)
        self.blind = self.side.width == 0
        self.joint_groups = self.side.joint and len(self.side.groups) > 0
        sizes = {"cross_layers": cross_layers, "deep_layers": deep_layers, "deep_width": deep_width}
        self.network = CrossNetwork(
            encoder.hidden,
            self.side.width,
            self.objective.width,
            structure=structure,
            rank=rank,
            dropout=deep_dropout,
            **sizes,
        )
        self.id_dropout, self.freeze_after = id_dropout, freeze_after

    def annotator_tables(self) -> list[tuple[Tensor, Tensor]]:
        return self.side.annotator_tables()

    def pairs(self, content: Tensor, annotators: Annotators, item_index: Tensor, annotator_index: Tensor) -> Tensor:
        return self.network(content, self.side(annotators), item_index, annotator_index)

    def everyone(self, content: Tensor, annotators: Annotators) -> Tensor:
        people = annotators[:1] if self.blind else annotators
        return self.objective.predict(self.network.everyone(content, self.side(people)))

    def training_step(self, batch: Any, batch_index: int) -> Tensor:
        if self.freeze_after is not None and self.current_epoch >= self.freeze_after:
            self.encoder.freeze()  # type: ignore[operator]
        return super().training_step(batch, batch_index)
