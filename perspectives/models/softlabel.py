"""The annotator-blind control: one head trained on every annotation, without annotator ids.

Cross-entropy summed over an item's annotations is cross-entropy against its label distribution, weighted by its number
of raters. It differs from annotator models only in the ids, which makes it a fair baseline for them.
"""

from typing import Any

from torch import Tensor, nn

from perspectives.data.annotators import Annotators
from perspectives.data.schema import Schema
from perspectives.models.base import AnnotatorModel, Optimization


class SoftLabel(AnnotatorModel):
    """One head for all annotators: the prediction depends on the text alone."""

    blind = True

    def __init__(self, encoder: Any, schema: Schema, optimization: Optimization, **options: Any) -> None:
        super().__init__(encoder, schema, optimization, **options)
        self.head = nn.Linear(encoder.hidden, self.objective.width)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def pairs(self, content: Tensor, annotators: Annotators, item_index: Tensor, annotator_index: Tensor) -> Tensor:
        return self.head(content)[item_index]
