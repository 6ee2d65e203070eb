"""Ways of feeding the same annotations that must not change what is learned."""

from dataclasses import replace

import pytest
import torch
from model_cases import METHODS, SCALES, build, corpus_on, whole_batch

from perspectives.data.batches import Batch
from perspectives.models.encoder import CachedContent, Transformer
from perspectives.models.majority import majority_labels
from perspectives.models.optim import RowAdamW

STEPS = 15
METHODS_WITH_IDS = [method for method in METHODS if method not in ("majority", "softlabel")]


def corpus(method: str):
    annotations = corpus_on(SCALES["ordinal"])
    return majority_labels(annotations, "random", 0) if method == "majority" else annotations


def train(model, batch: Batch) -> list[float]:
    """Losses of some steps on one batch, dropout off."""
    optimizer = RowAdamW(model.parameter_groups())
    losses = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        logits = model.pairs(model.encode(batch), batch.annotators, batch.item_index, batch.annotator_index)
        loss = model.objective.loss(logits, batch.label).sum() / model.optimization.annotations_per_batch
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0]
    return losses


def close(one, other) -> None:
    for (name, left), (_, right) in zip(one.state_dict().items(), other.state_dict().items(), strict=True):
        torch.testing.assert_close(left, right, atol=1e-3, rtol=0, msg=lambda text, n=name: f"{n}: {text}")


def pairwise(batch: Batch) -> Batch:
    """The same annotations as published code feeds them: every text once for each of its annotations."""
    index = batch.item_index
    tokens = None if batch.tokens is None else {name: ids[index] for name, ids in batch.tokens.items()}
    return replace(batch, item=batch.item[index], item_index=torch.arange(len(index)), tokens=tokens)


@pytest.mark.parametrize("method", METHODS)
def test_texts_encoded_once_or_once_per_annotation(method):
    annotations = corpus(method)
    grouped, single = build(method, annotations), build(method, annotations)
    batch = whole_batch(annotations, grouped.schema)
    assert train(grouped, batch) == pytest.approx(train(single, pairwise(batch)), abs=1e-4)
    close(grouped, single)


@pytest.mark.filterwarnings("ignore:encoder 'tiny' needs")
@pytest.mark.parametrize("method", ["multitask_shared", "jury"])
def test_and_so_with_an_encoder_that_learns(method):
    annotations = corpus(method)
    encoders = [Transformer("tiny", tune="full") for _ in range(2)]
    encoders[1].model.load_state_dict(encoders[0].model.state_dict())
    grouped, single = (build(method, annotations, encoder.module()) for encoder in encoders)
    for model in (grouped, single):
        model.eval()  # dropout draws other numbers for repeated texts
    batch = whole_batch(annotations, grouped.schema, tokens=encoders[0].tokens(annotations.texts))
    assert train(grouped, batch) == pytest.approx(train(single, pairwise(batch)), abs=1e-3)


@pytest.mark.filterwarnings("ignore:encoder 'tiny' needs")
@pytest.mark.parametrize("method", METHODS)
def test_a_frozen_encoder_that_is_live_or_cached(method, tmp_path):
    annotations = corpus(method)
    encoder = Transformer("tiny", cache=False)
    live = build(method, annotations, encoder.module())
    cached = build(method, annotations, CachedContent(encoder.vectors(annotations.texts, tmp_path)))
    losses = train(live, whole_batch(annotations, live.schema, tokens=encoder.tokens(annotations.texts)))
    assert losses == pytest.approx(train(cached, whole_batch(annotations, cached.schema)), abs=1e-4)


@pytest.mark.parametrize("method", METHODS_WITH_IDS)
def test_the_loss_tends_to_zero_where_everyone_is_consistent(method):
    """Everyone always gives their own answer: whoever knows the ids can know everything."""
    annotations = corpus("softlabel")
    own = {person: str(1 + n) for n, person in enumerate(annotations.annotators["annotator_id"])}
    table = annotations.annotations.assign(label=annotations.annotations["annotator_id"].map(own))
    annotations = replace(annotations, annotations=table)
    model = build(method, annotations)
    batch = whole_batch(annotations, model.schema)
    optimizer = RowAdamW([{"params": list(model.parameters()), "lr": 3e-2}])
    for _ in range(1000):
        optimizer.zero_grad()
        logits = model.pairs(model.encode(batch), batch.annotators, batch.item_index, batch.annotator_index)
        loss = model.objective.loss(logits, batch.label).mean()
        loss.backward()
        optimizer.step()
    assert float(loss.detach()) < 1e-2
