"""What the benchmarks share: invented texts, a crowd of annotators, and the encoder they are measured with."""

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import torch

from perspectives.data.annotations import AnnotationSet, Tables
from perspectives.data.batches import Batch, Batches
from perspectives.data.scale import Scale
from perspectives.data.schema import Schema
from perspectives.models.base import Optimization
from perspectives.models.encoder import CachedContent, LiveEncoder, Transformer

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
WORDS = [
    "the",
    "a",
    "of",
    "tea",
    "rain",
    "garden",
    "city",
    "river",
    "morning",
    "people",
    "never",
    "always",
    "nice",
    "rude",
    "loud",
    "quiet",
    "happy",
    "grey",
    "old",
    "new",
]
HIDDEN = 384  # of MiniLM


def crowd(people: int, levels: int, items: int, per_item: int, words: int = 28, seed: int = 0) -> AnnotationSet:
    """`items` texts of `words` words, each labelled by `per_item` of `people` at random; everyone labels something."""
    rng = np.random.default_rng(seed)
    texts = [" ".join(rng.choice(WORDS, words)) for _ in range(items)]
    who = np.concatenate([rng.permutation(people) for _ in range(-(-items * per_item // people))])[: items * per_item]
    rows = pd.DataFrame({"item_id": np.repeat(np.arange(items), per_item), "annotator_id": who})
    rows["label"] = [str(level) for level in rng.integers(1, levels + 1, len(rows))]
    rows = rows.drop_duplicates(["item_id", "annotator_id"])
    tables = Tables(rows, pd.DataFrame({"item_id": range(items), "text": texts}), None, Scale.integers(1, levels))
    return AnnotationSet.from_tables(tables, "crowd")


def optimization(annotations_per_batch: float) -> Optimization:
    return Optimization(1e-3, 2e-5, 1e-2, 0.01, 0.0, "none", annotations_per_batch)


def cached(items: int) -> CachedContent:
    vectors = np.random.default_rng(1).normal(size=(items, HIDDEN)).astype(np.float32)
    return CachedContent(vectors).to(DEVICE)


def live(annotations: AnnotationSet, max_length: int = 32) -> tuple[LiveEncoder, Any]:
    """MiniLM with all weights trained, and the tokens of all texts."""
    encoder = Transformer("minilm", tune="full", max_length=max_length)
    return encoder.module().to(DEVICE), encoder.tokens(annotations.texts)


def batches(annotations: AnnotationSet, size: int, tokens: Any = None) -> list[Batch]:
    people = Schema.of(annotations).encode(annotations.annotators)
    loader = Batches(annotations, np.arange(len(annotations)), people, size, tokens=tokens, shuffle=True)
    return [batch.to(DEVICE) for batch in loader]


FusedAdamW = partial(torch.optim.AdamW, fused=True)
