"""Small corpora on every kind of scale, and the models trained on them."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch

from perspectives.data.annotations import AnnotationSet, Tables
from perspectives.data.annotators import Annotators
from perspectives.data.batches import Batch, Batches
from perspectives.data.scale import Scale
from perspectives.data.schema import Schema
from perspectives.models.base import AnnotatorModel, Optimization
from perspectives.models.conditioned import Conditioned
from perspectives.models.embedding import Embedding
from perspectives.models.encoder import CachedContent
from perspectives.models.jury import Jury
from perspectives.models.majority import Majority
from perspectives.models.multilabel import MultiLabel
from perspectives.models.multitask import MultiTask
from perspectives.models.softlabel import SoftLabel

SCALES = {
    "binary": Scale("nominal", ("no", "yes")),
    "nominal": Scale("nominal", ("red", "green", "blue")),
    "ordinal": Scale.integers(1, 5),
    "interval": Scale("interval", low=0, high=10),
    "multilabel": Scale("multilabel", ("a", "b", "c")),
}
METHODS = (
    "majority",
    "softlabel",
    "multitask",
    "multitask_shared",
    "multitask_groups",
    "embedding",
    "concatenated",
    "jury",
)
HIDDEN = 6


class Case(NamedTuple):
    """A model, what it was built for, and a batch of everything."""

    model: AnnotatorModel
    annotations: AnnotationSet
    batch: Batch
    method: str


def corpus_on(scale: Scale, items: int = 12, people: int = 5, seed: int = 0) -> AnnotationSet:
    """Most people label most items; the labels are drawn at random."""
    rng = np.random.default_rng(seed)
    item, who = np.nonzero(rng.random((items, people)) < 0.7)
    if scale.kind == "interval":
        labels = rng.uniform(scale.low, scale.high, len(item)).round(2)
    else:
        drawn = rng.random((len(item), scale.size)) < 0.4
        codes = drawn if scale.kind == "multilabel" else rng.integers(0, scale.size, len(item))
        labels = scale.decode(codes)
    rows = pd.DataFrame({"item_id": item, "annotator_id": [f"p{n}" for n in who], "label": labels})
    texts = pd.DataFrame({"item_id": range(items), "text": [f"remark {n} on tea" * (1 + n % 3) for n in range(items)]})
    gender = ["woman", "man", "unknown", "woman", "man"]
    about = pd.DataFrame({"annotator_id": [f"p{n}" for n in range(people)], "gender": gender[:people]})
    about["age"] = [20.0 + 10 * n for n in range(people)]
    return AnnotationSet.from_tables(Tables(rows, texts, about, scale), "tiny")


def whole_batch(annotations: AnnotationSet, schema: Schema, **options: Any) -> Batch:
    annotators = schema.encode(annotations.annotators)
    (batch,) = Batches(annotations, np.arange(len(annotations)), annotators, len(annotations.items), **options)
    return batch


def strangers(annotators: Annotators) -> Annotators:
    """The same people, unknown in every respect."""
    return Annotators(*(torch.zeros_like(codes) for codes in vars(annotators).values()))


def optimization(annotations: AnnotationSet) -> Optimization:
    return Optimization(1e-2, 1e-4, 1e-2, 0.01, 0.0, "none", float(len(annotations)))


def build(
    method: str, annotations: AnnotationSet, encoder: Any = None, attributes: list[str] | None = None, **options: Any
) -> AnnotatorModel:
    """A model with random weights: at the start all heads are zero, and much would hold trivially."""
    encoder = encoder or CachedContent(np.random.default_rng(1).normal(size=(500, HIDDEN)).astype(np.float32))
    classes: dict[str, Callable[..., AnnotatorModel]] = {
        "majority": Majority,
        "softlabel": SoftLabel,
        "multitask": MultiTask,
        "multitask_shared": partial(MultiTask, shared=True),
        "multitask_groups": partial(MultiTask, group_layers="gender", unseen="group"),
        "multilabel": MultiLabel,
        "embedding": Embedding,
        "conditioned": Conditioned,
        "concatenated": partial(Embedding, combine="concat", groups="joint"),
        "jury": Jury,
    }
    model = classes[method](encoder, Schema.of(annotations, attributes), optimization(annotations), **options)
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if not name.startswith("encoder."):
                deep = parameter.ndim > 1 and name != "heads.table"  # layers upon layers would saturate
                spread = parameter.shape[-1] ** -0.5 if deep else 1.0
                parameter.copy_(spread * torch.randn(parameter.shape, generator=generator))
        if method == "multitask_shared":
            model.heads.table[0] = 0  # the deviation of the unknown annotator never leaves its start
    return model.eval()
