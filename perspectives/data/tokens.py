"""Texts as token ids, tokenised once and stored ragged."""

import numpy as np
import torch
from torch import Tensor


class Tokens:
    """Token ids of many texts in one flat array per field.

    fields: name (`input_ids`, `token_type_ids`, …) → list of one int sequence per text. padding: value per field that
    fills short rows. lengths: tokens per text, int64 [item].
    """

    def __init__(self, fields: dict[str, list[list[int]]], padding: dict[str, int]) -> None:
        first = next(iter(fields.values()))
        self.lengths = np.array([len(text) for text in first], np.int64)
        self.starts = np.concatenate([[0], np.cumsum(self.lengths)[:-1]])
        self.flat = {name: np.fromiter((t for text in texts for t in text), np.int32) for name, texts in fields.items()}
        self.padding = padding

    def __len__(self) -> int:
        return len(self.lengths)

    def padded(self, items: np.ndarray) -> dict[str, Tensor]:
        """int64 [item, token] per field for these rows, padded on the right to the longest of them."""
        lengths = self.lengths[items]
        column = np.arange(lengths.max())
        inside = column < lengths[:, None]
        position = np.where(inside, self.starts[items][:, None] + column, 0)
        return {
            name: torch.from_numpy(np.where(inside, flat[position], self.padding[name]).astype(np.int64))
            for name, flat in self.flat.items()
        }
