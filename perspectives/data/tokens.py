"""Token ids of texts, tokenised once and stored without padding."""

import numpy as np
import torch
from torch import Tensor


class Tokens:
    """Token ids of many items in one flat array per field.

    fields: name (`input_ids`, `token_type_ids`, …) → list of one int sequence per input. padding: value per field that
    fills short rows. inputs_per_item: 2 where an encoder reads the two texts of an item separately; their inputs are
    adjacent. input_lengths: tokens, int64 [item, input]; lengths: those of each item's longest input, int64 [item].
    """

    def __init__(self, fields: dict[str, list[list[int]]], padding: dict[str, int], inputs_per_item: int = 1) -> None:
        first = next(iter(fields.values()))
        lengths = np.array([len(text) for text in first], np.int64)
        self.starts = np.concatenate([[0], np.cumsum(lengths)[:-1]]).reshape(-1, inputs_per_item)
        self.input_lengths = lengths.reshape(-1, inputs_per_item)
        self.lengths = self.input_lengths.max(1)
        self.flat = {name: np.fromiter((t for text in texts for t in text), np.int32) for name, texts in fields.items()}
        self.padding = padding

    def __len__(self) -> int:
        return len(self.lengths)

    def padded(self, items: np.ndarray) -> dict[str, Tensor]:
        """Return int64 [item, token] per field for these rows, padded on the right to the longest of them.

        The shape is [item, input, token] where an item has more than one input.
        """
        column = np.arange(self.lengths[items].max())
        inside = column < self.input_lengths[items][..., None]
        position = np.where(inside, self.starts[items][..., None] + column, 0)
        if inside.shape[1] == 1:
            inside, position = inside[:, 0], position[:, 0]
        return {
            name: torch.from_numpy(np.where(inside, flat[position], self.padding[name]).astype(np.int64))
            for name, flat in self.flat.items()
        }
