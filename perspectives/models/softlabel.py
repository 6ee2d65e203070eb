"""The annotator-blind control: one head that sees every annotation without knowing whose it is.

Cross-entropy summed over an item's annotations is cross-entropy against its label distribution, weighted by its number
of raters. It differs from annotator models in one thing only, the ids, which makes it their fair comparison.
"""

from typing import Any

from torch import Tensor, nn

from perspectives.data.annotators import Annotators
from perspectives.models.base import AnnotatorModel


class SoftLabel(AnnotatorModel):
    """One head for everybody: the predicted answer depends on the text alone."""

    blind = True

    def __init__(self, encoder: Any, schema: Any, optimization: Any, **options: Any) -> None:
        super().__init__(encoder, schema, optimization, **options)
        self.head = nn.Linear(encoder.hidden, self.objective.width)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def pairs(self, content: Tensor, annotators: Annotators, item_index: Tensor, annotator_index: Tensor) -> Tensor:
        return self.head(content)[item_index]
