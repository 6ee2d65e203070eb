"""Layers that know annotators."""

import torch
from torch import Tensor, nn


class AnnotatorHeads(nn.Module):
    """One linear layer per annotator, as one table `[annotator, level, hidden + 1]` (the last column is the bias).

    Only the heads of the annotators at hand are touched: one product of all texts with the unique annotators' rows,
    then the observed pairs are picked. Gradients are sparse over annotators, for `RowAdamW`. Heads start at zero, so
    that no annotator's start depends on the order of names.
    """

    def __init__(self, annotators: int, levels: int, hidden: int) -> None:
        super().__init__()
        self.shape = (levels, hidden + 1)
        self.table = nn.Parameter(torch.zeros(annotators, levels * (hidden + 1)))

    def everyone(self, content: Tensor, annotators: Tensor) -> Tensor:
        """Logits [item, annotator, level] of these annotator codes for all texts; content is [item, hidden]."""
        levels, width = self.shape
        rows = nn.functional.embedding(annotators, self.table, sparse=True).view(-1, width)
        logits = torch.addmm(rows[:, -1], content, rows[:, :-1].T)
        return logits.view(len(content), len(annotators), levels)

    def pairs(self, content: Tensor, item_index: Tensor, annotator: Tensor) -> Tensor:
        """Logits [annotation, level] for the pairs (item_index, annotator), both [annotation]."""
        unique, position = annotator.unique(return_inverse=True)
        return self.everyone(content, unique)[item_index, position]
