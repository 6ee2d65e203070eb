"""One head per annotator: what is particular to it, besides the contract."""

import numpy as np
import pandas as pd
import pytest
import torch
from model_cases import SCALES, build, corpus_on, strangers, whole_batch
from torch import nn

from perspectives.data.annotators import Annotators
from perspectives.models.optim import RowAdamW


def test_people_never_seen_get_the_mean_head_weighted_by_training_labels():
    annotations = corpus_on(SCALES["ordinal"])
    model = build("multitask", annotations)
    batch = whole_batch(annotations, model.schema)
    content = model.encode(batch)
    counts = np.bincount(annotations.annotator_index)
    assert len(set(counts)) > 1
    everybody = model.schema.training_annotators
    expected = np.average(model.everyone(content, everybody).detach().numpy(), axis=1, weights=counts)
    items = torch.arange(len(content))
    nobody = strangers(everybody[:2])
    unseen = model.predict_pairs(content, nobody, items, items % 2).detach().numpy()
    np.testing.assert_allclose(unseen, expected, atol=1e-6)
    half = everybody[:2].without_ids(torch.tensor([True, False]))
    mixed = model.predict_pairs(content, half, items, items % 2).detach().numpy()
    np.testing.assert_allclose(mixed[::2], expected[::2], atol=1e-6)


def test_or_the_mean_over_what_people_with_the_same_attribute_values_would_say():
    annotations = corpus_on(SCALES["ordinal"])
    model = build("multitask", annotations, unseen="group")
    content = model.encode(whole_batch(annotations, model.schema))
    known = model.schema.training_annotators
    counts = np.bincount(annotations.annotator_index)
    said = model.everyone(content, known).detach().numpy()
    table = pd.DataFrame(
        {"annotator_id": ["a", "b", "c"], "gender": ["woman", "man", "unknown"], "age": [20.0, np.nan, np.nan]}
    )
    unseen = model.everyone(content, model.schema.encode(table)).detach().numpy()
    women, youngest = (
        counts * (annotations.annotators["gender"] == "woman"),
        counts * (known.attributes[:, 1] == 1).numpy(),
    )
    a = (np.average(said, axis=1, weights=women) + np.average(said, axis=1, weights=youngest)) / 2
    men = np.average(said, axis=1, weights=counts * (annotations.annotators["gender"] == "man"))
    for position, expected in enumerate((a, men, np.average(said, axis=1, weights=counts))):
        np.testing.assert_allclose(unseen[:, position], expected, atol=1e-6)


def test_with_a_shared_head_they_get_its_answer():
    annotations = corpus_on(SCALES["ordinal"])
    model = build("multitask_shared", annotations)
    content = model.encode(whole_batch(annotations, model.schema))
    items = torch.arange(len(content))
    first, zeros = model.schema.training_annotators[:1], torch.zeros_like(items)
    unseen = model.predict_pairs(content, strangers(first), items, zeros)
    torch.testing.assert_close(unseen, model.shared(content).softmax(-1))
    somebody = model.pairs(content, first, items, zeros)
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
        renamed.share[names[1:] - 1] = model.share.clone()
    content = model.encode(batch)
    for people in (batch.annotators, strangers(batch.annotators)):
        straight = model.everyone(content, people)
        other = Annotators(names[people.code], people.attributes, people.group)
        torch.testing.assert_close(renamed.everyone(content, other), straight)


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
        logits = model.pairs(model.encode(batch), batch.annotators, batch.item_index, batch.annotator_index)
        model.objective.loss(logits, batch.label).mean().backward()
        optimizer.step()
    # A step of AdamW adds about lr and takes lr · w · decay away, so that weights settle below about 1 / decay.
    largest = float(model.heads.table.detach().abs().max())
    assert largest > 0.2 if decay == 0 else 0.01 < largest < 1.5 / decay
    assert (model.heads.table[0] == 0).all()
