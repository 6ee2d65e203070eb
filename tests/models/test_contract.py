"""What every trained method keeps on every scale."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from model_cases import METHODS, SCALES, Case, build, corpus_on, optimization, strangers, whole_batch

from perspectives.data.annotations import AnnotationSet, Tables
from perspectives.data.annotators import Annotators
from perspectives.data.batches import Batch, Batches
from perspectives.data.scale import Scale
from perspectives.models.encoder import CachedContent, LiveEncoder, Transformer
from perspectives.models.majority import majority_labels

OBJECTIVES = [("ordinal", "ordinal"), ("interval", "squared")]  # besides the defaults, which every case uses


@pytest.fixture(params=SCALES)
def scale(request) -> Scale:
    return SCALES[request.param]


@pytest.fixture(params=METHODS)
def method(request) -> str:
    return request.param


@pytest.fixture
def case(method: str, scale: Scale) -> Case:
    """A model of each method on each scale, with everything it is trained on in one batch."""
    annotations = corpus_on(scale)
    if method == "majority":
        annotations = majority_labels(annotations, "random", 0)
    model = build(method, annotations)
    return Case(model, annotations, whole_batch(annotations, model.schema), method)


def loss(model, batch: Batch) -> torch.Tensor:
    logits = model.pairs(model.encode(batch), batch.annotators, batch.item_index, batch.annotator_index)
    return model.objective.loss(logits, batch.label).sum() / model.optimization.annotations_per_batch


def answers(model, batch: Batch) -> torch.Tensor:
    return model.predict_pairs(model.encode(batch), batch.annotators, batch.item_index, batch.annotator_index)


def joined(*people: Annotators) -> Annotators:
    return Annotators(*(torch.cat(codes) for codes in zip(*(vars(some).values() for some in people), strict=True)))


def gradients(model) -> dict[str, torch.Tensor]:
    return {name: p.grad.to_dense() for name, p in model.named_parameters() if p.grad is not None}


def shuffled(batch: Batch, order: torch.Tensor, pairs: torch.Tensor) -> Batch:
    """The batch with its items and its annotations in another order."""
    rank = torch.argsort(order)
    fields = {name: getattr(batch, name)[pairs] for name in ("annotator_index", "label", "row")}
    return replace(batch, item=batch.item[order], item_index=rank[batch.item_index[pairs]], **fields)


def test_predictions_are_valid(case: Case):
    model, annotations, batch, _ = case
    content = model.encode(batch)
    with torch.inference_mode():
        for annotators in (batch.annotators, strangers(batch.annotators)):
            said = model.predict_pairs(content, annotators, batch.item_index, batch.annotator_index)
            assert said.shape == (len(batch.row), annotations.scale.size)
            assert said.dtype == torch.float32
            if annotations.scale.kind == "interval":
                assert ((said >= 0) & (said <= 10)).all()
            else:
                assert ((said >= 0) & (said <= 1)).all()
            if annotations.scale.kind in ("nominal", "ordinal"):
                torch.testing.assert_close(said.sum(1), torch.ones(len(said)), atol=1e-5, rtol=0)
    assert said.std(0).max() > 1e-3  # texts matter


def test_everyone_agrees_with_every_single_pair(case: Case):
    model, annotations, batch, _ = case
    content = model.encode(batch)
    known, nobody = model.schema.training_annotators, strangers(model.schema.training_annotators[:1])
    halfway = known[-1:].without_ids(torch.tensor([True]))  # a new person of known demographics
    people = joined(nobody, known, halfway, nobody)
    with torch.inference_mode():
        everyone = model.everyone(content, people)
        assert everyone.shape == (len(batch.item), 1 if model.blind else len(people), annotations.scale.size)
        for position in range(len(people)):
            items = torch.arange(len(batch.item))
            single = model.predict_pairs(content, people[position : position + 1], items, torch.zeros_like(items))
            expected = everyone[:, 0 if model.blind else position]
            torch.testing.assert_close(single, expected, atol=1e-5, rtol=1e-5)


def test_autocast_to_16_bits_hardly_changes_answers(case: Case):
    model, _, batch, _ = case
    with torch.inference_mode():
        whole = model.everyone(model.encode(batch), batch.annotators)
        with torch.autocast("cpu", torch.bfloat16):
            said = model.everyone(model.encode(batch), batch.annotators)
            assert torch.isfinite(loss(model, batch))
    span = 10 if case.annotations.scale.kind == "interval" else 1
    torch.testing.assert_close(said.float(), whole, atol=0.03 * span, rtol=0)


def test_the_order_within_a_batch_permutes_the_answers_and_leaves_the_loss(case: Case):
    model, _, batch, _ = case
    pairs = torch.randperm(len(batch.row), generator=torch.Generator().manual_seed(0))
    other = shuffled(batch, torch.randperm(len(batch.item), generator=torch.Generator().manual_seed(1)), pairs)
    straight, permuted = answers(model, batch), answers(model, other)
    torch.testing.assert_close(permuted, straight[pairs])
    torch.testing.assert_close(loss(model, other), loss(model, batch))


def test_a_text_alone_in_its_batch_gets_the_same_answer(case: Case):
    model, annotations, batch, _ = case
    alone = list(Batches(annotations, np.arange(len(annotations)), model.schema.encode(annotations.annotators), 1))
    assert len(alone) == len(batch.item)
    parts = [answers(model, one) for one in alone]
    torch.testing.assert_close(torch.cat(parts), answers(model, batch), atol=1e-5, rtol=1e-5)


def test_every_head_of_people_in_the_batch_is_trained_and_saved(case: Case):
    model, annotations, batch, _ = case
    loss(model, batch).backward()
    found = gradients(model)
    state = model.trained_state()
    names = {name for name, _ in model.named_parameters()}
    assert names
    assert set(found) == set(state) == names
    grouped = [id(p) for group in model.parameter_groups() for p in group["params"]]
    assert sorted(grouped) == sorted(id(p) for p in model.parameters())
    for name, gradient in found.items():
        if name == "heads.table":
            trained = gradient.abs().sum(1) > 0
            assert trained.tolist() == [False] + [True] * len(annotations.annotators)
        else:
            assert (gradient != 0).any()


def test_people_who_labelled_nothing_change_nothing(case: Case):
    model, annotations, batch, method = case
    stranger = annotations.annotators.iloc[:1].assign(annotator_id="aaa stranger")  # sorts before everyone
    more = replace(annotations, annotators=pd.concat([stranger, annotations.annotators], ignore_index=True))
    same = build(method, more)
    same.load_state_dict(model.state_dict())
    with_strangers = whole_batch(more, same.schema)
    assert torch.equal(with_strangers.annotators.code, batch.annotators.code)
    assert loss(same, with_strangers) == loss(model, batch)


@pytest.mark.parametrize("accumulate", [2, 4])
def test_small_batches_accumulated_give_the_gradient_of_the_whole(case: Case, accumulate: int):
    model, annotations, batch, _ = case
    loss(model, batch).backward()
    whole = gradients(model)
    model.zero_grad()
    annotators = model.schema.encode(annotations.annotators)
    size = -(-len(batch.item) // accumulate)
    parts = list(Batches(annotations, np.arange(len(annotations)), annotators, size, shuffle=True))
    assert len(parts) == accumulate
    for part in parts:
        loss(model, part).backward()
    for name, gradient in gradients(model).items():
        torch.testing.assert_close(gradient, whole[name], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("kind", "objective"), OBJECTIVES)
def test_other_objectives_keep_the_contract_too(method, kind, objective):
    annotations = corpus_on(SCALES[kind])
    if method == "majority":
        annotations = majority_labels(annotations, "random", 0)
    model = build(method, annotations, objective=objective)
    case = Case(model, annotations, whole_batch(annotations, model.schema), method)
    test_everyone_agrees_with_every_single_pair(case)
    test_every_head_of_people_in_the_batch_is_trained_and_saved(case)


@pytest.mark.filterwarnings("ignore:encoder 'tiny' needs")
@pytest.mark.parametrize("method", METHODS)
def test_a_frozen_encoder_gives_the_same_loss_live_and_cached(method, tmp_path):
    annotations = corpus_on(SCALES["nominal"])
    if method == "majority":
        annotations = majority_labels(annotations, "random", 0)
    encoder = Transformer("tiny", cache=False)
    assert encoder.live
    live = build(method, annotations, encoder.module())
    cached = build(method, annotations, CachedContent(encoder.vectors(annotations.texts, tmp_path)))
    assert isinstance(live.encoder, LiveEncoder)
    with_tokens = whole_batch(annotations, live.schema, tokens=encoder.tokens(annotations.texts))
    without = whole_batch(annotations, cached.schema)
    for train in (False, True):
        torch.testing.assert_close(
            loss(live.train(train), with_tokens), loss(cached.train(train), without), atol=1e-5, rtol=0
        )
    assert set(live.trained_state()) == set(cached.trained_state())  # a frozen encoder is not saved


@pytest.mark.parametrize("method", METHODS)
def test_an_annotator_with_a_single_label_is_no_special_case(method):
    scale = SCALES["binary"]
    tables = corpus_on(scale)
    rows = tables.annotations
    lonely = rows.iloc[[0]].assign(annotator_id="zoe", label="yes")
    both = pd.concat([rows.iloc[:5], lonely])
    people = pd.concat([tables.annotators, pd.DataFrame({"annotator_id": ["zoe"], "gender": ["woman"], "age": [33.0]})])
    annotations = AnnotationSet.from_tables(Tables(both, tables.items, people, scale), "tiny")
    if method == "majority":
        annotations = majority_labels(annotations, "lowest", 0)
    model = build(method, annotations)
    batch = whole_batch(annotations, model.schema)
    loss(model, batch).backward()
    assert all(torch.isfinite(gradient).all() for gradient in gradients(model).values())
    assert torch.isfinite(answers(model, replace(batch, annotators=strangers(batch.annotators)))).all()


def test_the_declared_constant_is_the_one_that_divides():
    annotations = corpus_on(SCALES["binary"])
    model = build("softlabel", annotations)
    batch = whole_batch(annotations, model.schema)
    once = loss(model, batch)
    model.optimization = replace(optimization(annotations), annotations_per_batch=1.0)
    torch.testing.assert_close(loss(model, batch), once * len(annotations))


# Validation. -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("known", [True, False])
def test_validation_measures_what_is_predicted_for_known_and_unknown_people(case, known):
    torch.manual_seed(0)
    for parameter in case.model.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    batch = case.batch if known else replace(case.batch, annotators=strangers(case.batch.annotators))
    model, label = case.model.eval(), batch.label
    with torch.inference_mode():
        losses = model.validation_losses(model.encode(batch), batch).double()
        predicted = answers(model, batch).double()
    if case.annotations.scale.kind == "interval":
        expected = (predicted[:, 0] - label).abs()
        inside = (predicted[:, 0] > 0) & (predicted[:, 0] < 10)  # predictions never leave the bounds
        losses, expected = losses[inside], expected[inside]
    elif case.annotations.scale.kind == "multilabel":
        expected = -torch.where(label == 1, predicted, 1 - predicted).log().sum(-1)
    else:
        expected = -predicted.gather(-1, label[:, None])[:, 0].log()
    torch.testing.assert_close(losses, expected, atol=1e-4, rtol=1e-4)
