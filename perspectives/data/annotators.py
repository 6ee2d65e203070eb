"""The annotators at hand as a model knows them: codes of their ids, groups and attribute values."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass
class Annotators:
    """Codes of some annotators, given by a `Schema`; everywhere 0 stands for what was never seen in training.

    code: of each annotator's id, int64 [annotator]. attributes: of each demographic value, int64
    [annotator, attribute]. group: of the joint combination of all values, int64 [annotator].
    """

    code: Tensor
    attributes: Tensor
    group: Tensor

    def __len__(self) -> int:
        return len(self.code)

    def __getitem__(self, rows: Tensor | slice) -> "Annotators":
        return Annotators(self.code[rows], self.attributes[rows], self.group[rows])

    def to(self, device: torch.device | str) -> "Annotators":
        return Annotators(self.code.to(device), self.attributes.to(device), self.group.to(device))

    def without_ids(self, hidden: Tensor) -> "Annotators":
        """The same annotators, those at `hidden` (bool [annotator]) as if their ids had never been seen."""
        return Annotators(self.code.masked_fill(hidden, 0), self.attributes, self.group)
