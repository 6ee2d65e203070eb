"""One output layer with a sigmoid per annotator (the multi-label model of Davani, Díaz & Prabhakaran 2022, TACL 10).

For binary labels. Softmax heads with two levels can say the same; what differs is the number of weights, and with it
the path of training.
"""

from typing import Any

from perspectives.errors import ConfigError
from perspectives.models.multitask import MultiTask


class MultiLabel(MultiTask):
    """Predicts the vector of everyone's answers to a text, of which the loss looks at the observed ones.

    unseen: as in `MultiTask`. Raises ConfigError when the labels are not binary.
    """

    def __init__(self, encoder: Any, schema: Any, optimization: Any, unseen: str = "mean", **options: Any) -> None:
        if not schema.scale.binary:
            raise ConfigError("model=multilabel is for labels of two levels, and these are others; use model=multitask")
        super().__init__(encoder, schema, optimization, unseen=unseen, objective="binary", **options)
