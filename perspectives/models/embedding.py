"""A vector per annotator, combined with the content vector and read by one shared head.

Follows AART (Mokhberian et al. 2024, Capturing Perspectives of Crowdsourced Annotators in Subjective Learning
Tasks), whose annotator vectors are added to the content vector; its contrastive term is not implemented.
"""

from typing import Any

from torch import Tensor, nn

from perspectives.data.annotators import Annotators
from perspectives.data.schema import Schema
from perspectives.errors import ConfigError
from perspectives.models.base import AnnotatorModel, Optimization
from perspectives.models.layers import AnnotatorEmbedding

COMBINE = ("add", "concat")


class Embedding(AnnotatorModel):
    """Annotator vectors and a shared head with one hidden layer.

    combine: `add` the annotator's vector to the content vector, as published, so that both have the same width; or
    `concat`, with vectors of width `id_width`. deep_width: units of the hidden layer, without which text and annotator
    would be additive, and all annotators would rank texts alike.
    ids: whether annotators have vectors of their own; without, they are represented by demographic values alone.
    groups, group_width: see `AnnotatorEmbedding`; with `add` all vectors have width `hidden` and are summed.
    id_dropout: share of annotators per batch whose id is hidden, which trains the vector of unseen people.

    Raises ConfigError for unknown options.
    """

    def __init__(
        self,
        encoder: Any,
        schema: Schema,
        optimization: Optimization,
        combine: str = "add",
        ids: bool = True,
        id_width: int = 64,
        groups: str = "per_attribute",
        group_width: int = 16,
        deep_width: int = 128,
        id_dropout: float = 0.1,
        **options: Any,
    ) -> None:
        super().__init__(encoder, schema, optimization, **options)
        if combine not in COMBINE:
            raise ConfigError(f"model.combine={combine!r} is unknown; choose one of {', '.join(COMBINE)}")
        if combine == "add":
            id_width = group_width = encoder.hidden
        self.id_dropout = id_dropout
        self.side = AnnotatorEmbedding(schema, ids, id_width, groups, group_width)
        self.blind = self.side.width == 0
        self.joint_groups = self.side.joint and len(self.side.groups) > 0
        self.read_content = nn.Linear(encoder.hidden, deep_width)
        apart = combine == "concat" and not self.blind
        self.read_annotator = nn.Linear(self.side.width, deep_width, bias=False) if apart else None
        self.head = nn.Linear(deep_width, self.objective.width)

    def annotator_tables(self) -> list[tuple[Tensor, Tensor]]:
        return self.side.annotator_tables()

    def pairs(self, content: Tensor, annotators: Annotators, item_index: Tensor, annotator_index: Tensor) -> Tensor:
        # The first layer is linear, so that it is computed once per text and once per person, not per pair.
        of_text = self.read_content(content)
        of_person = self._read(self.side(annotators))
        hidden = nn.functional.gelu(of_text[item_index] + of_person[annotator_index])
        return self.head(hidden)

    def _read(self, vectors: Tensor) -> Tensor:
        if self.read_annotator is not None:
            return self.read_annotator(vectors)
        width = self.read_content.in_features
        total = vectors.view(len(vectors), self.side.width // width, width).sum(1)
        return nn.functional.linear(total, self.read_content.weight)
