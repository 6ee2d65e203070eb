"""One output layer with a sigmoid per annotator (the multi-label model of Davani, Díaz & Prabhakaran 2022, TACL 10).

For binary labels. Softmax heads with two levels can represent the same function, but have twice as many weights, so
that training takes a different path.
"""

from typing import Any

from perspectives.data.schema import Schema
from perspectives.errors import ConfigError
from perspectives.models.base import Optimization
from perspectives.models.multitask import MultiTask


class MultiLabel(MultiTask):
    """Predicts the vector of all annotators' answers to a text; the loss covers the observed ones.

    unseen: as in `MultiTask`. Raises ConfigError when the labels are not binary.
    """

    def __init__(
        self, encoder: Any, schema: Schema, optimization: Optimization, unseen: str = "mean", **options: Any
    ) -> None:
        if not schema.scale.binary:
            raise ConfigError("model=multilabel is for labels of two levels, and these are others; use model=multitask")
        super().__init__(encoder, schema, optimization, unseen=unseen, objective="binary", **options)
