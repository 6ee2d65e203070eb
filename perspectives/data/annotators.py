"""Annotators as a model sees them: codes of their ids, attribute values and groups."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass
class Annotators:
    """Codes of some annotators, assigned by a `Schema`. Code 0 always means not seen in training.

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
        """Return the same annotators with code 0 for those at `hidden` (bool [annotator]), as if never seen."""
        return Annotators(self.code.masked_fill(hidden, 0), self.attributes, self.group)
