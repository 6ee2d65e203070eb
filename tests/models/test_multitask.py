"""One head per annotator: what is particular to it, besides the contract."""

import numpy as np
import pytest
import torch
from model_cases import SCALES, build, corpus_on, whole_batch
from torch import nn

from perspectives.models.optim import RowAdamW


def test_people_never_seen_get_the_mean_head_weighted_by_training_labels():
    annotations = corpus_on(SCALES["ordinal"])
    model = build("multitask", annotations)
    batch = whole_batch(annotations, model.schema)
    content = model.encode(batch)
    counts = np.bincount(annotations.annotator_index)
    assert len(set(counts)) > 1
    people = torch.arange(1, len(counts) + 1)
    expected = np.average(model.everyone(content, people).detach().numpy(), axis=1, weights=counts)
    items = torch.arange(len(content))
    unseen = model.predict_pairs(content, items, torch.zeros_like(items)).detach().numpy()
    np.testing.assert_allclose(unseen, expected, atol=1e-6)
    mixed = model.predict_pairs(content, items, torch.where(items % 2 == 0, 0, 1)).detach().numpy()
    np.testing.assert_allclose(mixed[::2], expected[::2], atol=1e-6)


def test_with_a_shared_head_they_get_its_answer():
    annotations = corpus_on(SCALES["ordinal"])
    model = build("multitask_shared", annotations)
    content = model.encode(whole_batch(annotations, model.schema))
    items = torch.arange(len(content))
    unseen = model.predict_pairs(content, items, torch.zeros_like(items))
    torch.testing.assert_close(unseen, model.shared(content).softmax(-1))
    somebody = model.pairs(content, items, torch.ones_like(items))
    own = model.heads.table[1].view(5, -1)
    torch.testing.assert_close(somebody, model.shared(content) + content @ own[:, :-1].T + own[:, -1])


def test_renaming_annotators_permutes_the_answers():
    annotations = corpus_on(SCALES["nominal"])
    model = build("multitask", annotations)
    batch = whole_batch(annotations, model.schema)
    names = torch.cat([torch.zeros(1, dtype=torch.int64), torch.randperm(len(model.schema.annotators)) + 1])
    renamed = build("multitask", annotations)
    with torch.no_grad():
        renamed.heads.table[names] = model.heads.table
        renamed.share[names] = model.share.clone()
    content = model.encode(batch)
    for codes in (batch.annotator, torch.zeros_like(batch.annotator)):
        straight = model.predict_pairs(content, batch.item_index, codes)
        torch.testing.assert_close(renamed.predict_pairs(content, batch.item_index, names[codes]), straight)


@pytest.mark.parametrize("decay", [0.0, 20.0])
def test_deviations_start_at_zero_and_are_pulled_towards_the_shared_head(decay):
    annotations = corpus_on(SCALES["binary"], items=40)
    model = build("multitask_shared", annotations, deviation_decay=decay)
    for parameter in model.parameters():
        nn.init.zeros_(parameter)
    groups = model.parameter_groups()
    (own,) = [group for group in groups if any(p is model.heads.table for p in group["params"])]
    assert (len(own["params"]), own["weight_decay"]) == (1, decay)
    batch = whole_batch(annotations, model.schema)
    optimizer = RowAdamW(groups, lr=0.02)
    for _ in range(150):
        optimizer.zero_grad()
        logits = model.pairs(model.encode(batch), batch.item_index, batch.annotator)
        model.objective.loss(logits, batch.label).mean().backward()
        optimizer.step()
    # A step of AdamW adds about lr and takes lr · w · decay away, so that weights settle below about 1 / decay.
    largest = float(model.heads.table.detach().abs().max())
    assert largest > 0.2 if decay == 0 else 0.01 < largest < 1.5 / decay
    assert (model.heads.table[0] == 0).all()
