"""Batches of unique items with all their annotations, so that each text is encoded once per batch.

The order depends on (seed, epoch) alone, and the position inside an epoch can be saved and restored. This makes a
resumed run equal to one that was never interrupted.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from perspectives.data.annotations import AnnotationSet
from perspectives.data.annotators import Annotators
from perspectives.data.tokens import Tokens

BUCKET = 50  # batches whose items are sorted by length together: little padding, yet a shuffled order


@dataclass
class Batch:
    """Unique items and their annotations in coordinate form.

    item: global row of each item, int64 [item]. tokens: `input_ids`, `attention_mask`, … int64 [item, token], padded to
    the longest text of the batch; None when content vectors are cached. annotators: who labelled any of the items.
    item_index, annotator_index: positions of each annotation's text in `item` and of its annotator in `annotators`,
    row: its row in the annotation table, all int64 [annotation]; label: int64 [annotation], float32 [annotation]
    (interval) or float32 [annotation, level] (multilabel).
    """

    item: Tensor
    annotators: Annotators
    item_index: Tensor
    annotator_index: Tensor
    label: Tensor
    row: Tensor
    tokens: dict[str, Tensor] | None = None

    @classmethod
    def of_texts(cls, item: Tensor, tokens: dict[str, Tensor] | None = None) -> "Batch":
        """Return a batch of texts without annotations."""
        none = torch.empty(0, dtype=torch.int64)
        return cls(item, Annotators(none, none.view(0, 0), none), none, none, none, none, tokens)

    def to(self, device: torch.device | str) -> "Batch":
        """Return the batch on another device."""
        tokens = None if self.tokens is None else {name: ids.to(device) for name, ids in self.tokens.items()}
        tensors = {name: value.to(device) for name, value in vars(self).items() if name != "tokens"}
        return Batch(**tensors, tokens=tokens)


class Batches:
    """An iterable of `Batch` over some annotations.

    rows: rows of `annotations` to visit, int64. annotators: the model's codes of `annotations.annotators`.
    batch_size: items per batch (one of an epoch may be smaller). shuffle: a new order each epoch; otherwise
    the order is fixed. raters_per_item: at most this many annotations of an item per epoch, drawn anew; None: all.
    """

    def __init__(
        self,
        annotations: AnnotationSet,
        rows: np.ndarray,
        annotators: Annotators,
        batch_size: int,
        *,
        tokens: Tokens | None = None,
        shuffle: bool = False,
        seed: int = 0,
        raters_per_item: int | None = None,
    ) -> None:
        item_of = annotations.item_index[rows]
        order = np.argsort(item_of, kind="stable")
        self.rows = np.asarray(rows)[order]
        self.items, self.counts = np.unique(item_of, return_counts=True)
        self.starts = np.concatenate([[0], np.cumsum(self.counts)])
        self.annotators, self.annotator_index = annotators, annotations.annotator_index[self.rows]
        labels = annotations.labels[self.rows]
        self.labels = labels.astype(np.int64) if labels.dtype.kind == "i" else labels.astype(np.float32)
        self.batch_size, self.tokens, self.shuffle = batch_size, tokens, shuffle
        self.seed, self.raters_per_item = seed, raters_per_item
        self.epoch = self.done = self.resume_at = 0
        self.sampler, self.batch_sampler = self, None  # Lightning calls `loader.sampler.set_epoch`

    def __len__(self) -> int:
        return -(-len(self.items) // self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        start, self.resume_at = self.resume_at, 0
        for number, positions in enumerate(self._plan()):
            if number >= start:
                self.done = number + 1
                yield self._batch(positions, number)

    # Lightning calls these three. ----------------------------------------------------------------------------------

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of the next epoch."""
        self.epoch = epoch

    def state_dict(self) -> dict[str, Any]:
        """Return the number of batches of this epoch that are done."""
        return {"done": self.done}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue after the batches that were done when `state` was saved."""
        self.resume_at = self.done = state["done"] % max(len(self), 1)

    # ---------------------------------------------------------------------------------------------------------------

    def _plan(self) -> list[np.ndarray]:
        """Return the positions in `items` of every batch of this epoch."""
        positions = np.arange(len(self.items))
        generator = np.random.default_rng((self.seed, self.epoch))
        if self.shuffle:
            generator.shuffle(positions)
        if self.tokens is None:
            return self._cut(positions)
        if not self.shuffle:
            return self._cut(np.argsort(self.tokens.lengths[self.items], kind="stable"))
        size = BUCKET * self.batch_size
        buckets = [positions[i : i + size] for i in range(0, len(positions), size)]
        lengths = self.tokens.lengths[self.items]
        # A whole number of batches per bucket, so that no batch mixes the longest of one with the shortest of the next.
        batches = [cut for bucket in buckets for cut in self._cut(bucket[np.argsort(lengths[bucket], kind="stable")])]
        return [batches[i] for i in generator.permutation(len(batches))]

    def _cut(self, positions: np.ndarray) -> list[np.ndarray]:
        return [positions[i : i + self.batch_size] for i in range(0, len(positions), self.batch_size)]

    def _batch(self, positions: np.ndarray, number: int) -> Batch:
        counts = self.counts[positions]
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        flat = np.repeat(self.starts[positions], counts) + within
        item_index = np.repeat(np.arange(len(positions)), counts)
        if self.raters_per_item is not None:
            drawn = self._subsample(item_index, within, number)
            flat, item_index = flat[drawn], item_index[drawn]
        items = self.items[positions]
        people, annotator_index = np.unique(self.annotator_index[flat], return_inverse=True)
        return Batch(
            item=torch.from_numpy(items),
            annotators=self.annotators[torch.from_numpy(people)],
            item_index=torch.from_numpy(item_index),
            annotator_index=torch.from_numpy(annotator_index),
            label=torch.from_numpy(self.labels[flat]),
            row=torch.from_numpy(self.rows[flat]),
            tokens=None if self.tokens is None else self.tokens.padded(items),
        )

    def _subsample(self, item_index: np.ndarray, within: np.ndarray, number: int) -> np.ndarray:
        """Draw a random `raters_per_item` annotations of each item: their positions, ascending."""
        # number + 1: numpy pads seeds with zeros, so that (seed, epoch, 0) would repeat the stream of the plan.
        chance = np.random.default_rng((self.seed, self.epoch, number + 1)).random(len(item_index))
        shuffled = np.lexsort((chance, item_index))
        return np.sort(shuffled[within < self.raters_per_item])
