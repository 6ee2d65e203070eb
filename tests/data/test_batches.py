"""Batches: every annotation once, an order that depends on seed and epoch alone, a position that can be restored."""

import itertools

import numpy as np
import pandas as pd
import pytest
import torch

from perspectives.data.annotations import AnnotationSet, Tables
from perspectives.data.batches import BUCKET, Batches
from perspectives.data.scale import Scale
from perspectives.data.schema import Schema
from perspectives.data.tokens import Tokens


def corpus(items: int = 103, people: int = 9, scale: Scale | None = None, labels=None) -> AnnotationSet:
    """Items with 1 to `people` raters, rows in no particular order."""
    rng = np.random.default_rng(0)
    item, who = np.nonzero(rng.random((items, people)) < 0.5)
    order = rng.permutation(len(item))
    label = rng.choice(["0", "1"], len(item)) if labels is None else list(itertools.islice(labels, len(item)))
    rows = pd.DataFrame({"item_id": item, "annotator_id": who, "label": label}).iloc[order]
    texts = pd.DataFrame({"item_id": range(items), "text": [f"text {n}" for n in range(items)]})
    return AnnotationSet.from_tables(Tables(rows, texts, None, scale or Scale("nominal", ("0", "1"))), "tiny")


def tokens_of(annotations: AnnotationSet) -> Tokens:
    """Texts whose every token is the number of their item, of very different lengths."""
    rng = np.random.default_rng(1)
    return Tokens(
        {"input_ids": [[item] * length for item, length in enumerate(rng.integers(1, 80, len(annotations.items)))]},
        {"input_ids": 0},
    )


def batches(annotations: AnnotationSet, batch_size: int = 8, rows=None, **options) -> Batches:
    rows = np.arange(len(annotations)) if rows is None else rows
    annotators = Schema.of(annotations).encode(annotations.annotators)
    return Batches(annotations, rows, annotators, batch_size, **options)


def same(left, right) -> bool:
    if not torch.equal(left.annotators.code, right.annotators.code):
        return False
    fields = ("item", "item_index", "annotator_index", "label", "row")
    return all(torch.equal(getattr(left, field), getattr(right, field)) for field in fields)


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("live", [False, True])
def test_an_epoch_visits_every_annotation_once_with_its_item_annotator_label_and_tokens(shuffle, live):
    annotations = corpus()
    rows = np.flatnonzero(np.arange(len(annotations)) % 3 > 0)
    texts = tokens_of(annotations) if live else None
    loader = batches(annotations, rows=rows, shuffle=shuffle, tokens=texts)
    visited, items = [], []
    for batch in loader:
        row = batch.row.numpy()
        assert (batch.item[batch.item_index].numpy() == annotations.item_index[row]).all()
        people = batch.annotators.code
        assert len(people.unique()) == len(people)
        codes = Schema.of(annotations).codes(annotations.annotations["annotator_id"])
        assert (people[batch.annotator_index].numpy() == codes[row]).all()
        assert (batch.label.numpy() == annotations.labels[row]).all()
        assert (batch.tokens is not None) == live
        if live:
            assert (batch.tokens["input_ids"][:, 0] == batch.item).all()
        visited += row.tolist()
        items += batch.item.tolist()
    assert sorted(visited) == rows.tolist()
    assert sorted(items) == np.unique(annotations.item_index[rows]).tolist()


@pytest.mark.parametrize("live", [False, True])
@pytest.mark.parametrize("batch_size", [1, 8, 1000])
def test_batches_have_the_declared_size_except_one(batch_size, live):
    annotations = corpus()
    loader = batches(annotations, batch_size, shuffle=True, tokens=tokens_of(annotations) if live else None)
    sizes = [len(batch.item) for batch in loader]
    count = len(loader.items)
    assert len(sizes) == len(loader) == -(-count // batch_size)
    assert sorted(sizes, reverse=True) == [batch_size] * (count // batch_size) + [count % batch_size] * (
        count % batch_size > 0
    )


def test_the_order_is_a_function_of_seed_and_epoch():
    annotations = corpus()

    def order(seed, epoch):
        loader = batches(annotations, shuffle=True, seed=seed)
        loader.set_epoch(epoch)
        return torch.cat([batch.row for batch in loader]).tolist()

    assert order(1, 2) == order(1, 2)
    assert len({tuple(order(seed, epoch)) for seed in range(3) for epoch in range(3)}) == 9
    fixed = batches(annotations)
    first = torch.cat([batch.row for batch in fixed]).tolist()
    fixed.set_epoch(5)
    assert first == torch.cat([batch.row for batch in fixed]).tolist()


@pytest.mark.parametrize("done", [0, 1, 5, 12, 13])
def test_a_restored_position_continues_with_the_identical_rest(done):
    annotations = corpus()
    options = {"shuffle": True, "seed": 3, "raters_per_item": 2}
    straight = batches(annotations, **options)
    straight.set_epoch(4)
    epoch = list(straight)
    assert len(epoch) == 13
    killed = batches(annotations, **options)
    killed.set_epoch(4)
    for _, _batch in zip(range(done), killed, strict=False):
        pass
    resumed = batches(annotations, **options)
    resumed.load_state_dict(killed.state_dict())
    resumed.set_epoch(4)
    rest = list(resumed)
    expected = epoch[done:] or epoch  # a finished epoch starts anew
    assert len(rest) == len(expected)
    assert all(same(*pair) for pair in zip(rest, expected, strict=True))
    assert all(same(*pair) for pair in zip(resumed, epoch, strict=True))  # the next epoch is whole again


def test_raters_are_drawn_evenly_and_anew_at_each_visit():
    annotations = corpus(items=20)
    raters = np.bincount(annotations.item_index)
    loader = batches(annotations, raters_per_item=3, shuffle=True)
    drawn = np.zeros(len(annotations))
    for epoch in range(600):
        loader.set_epoch(epoch)
        visited = torch.cat([batch.row for batch in loader]).numpy()
        assert (np.bincount(annotations.item_index[visited], minlength=20) == np.minimum(raters, 3)).all()
        np.add.at(drawn, visited, 1)
    chance = np.minimum(1, 3 / raters[annotations.item_index])
    deviation = (drawn / 600 - chance) / np.sqrt(np.maximum(chance * (1 - chance), 1e-9) / 600)
    assert np.abs(deviation).max() < 4.5
    assert 0.7 < deviation[chance < 1].std() < 1.3  # neither a fixed choice nor a fixed rotation


def test_texts_of_like_length_meet_so_that_little_is_padded():
    rng = np.random.default_rng(0)
    items, batch_size = 2 * BUCKET * 4 + 10, 4
    annotations = corpus(items=items, people=3)
    texts = Tokens({"input_ids": [[1] * n for n in rng.integers(1, 200, items)]}, {"input_ids": 0})
    loader = batches(annotations, batch_size, shuffle=True, tokens=texts)
    used = texts.lengths[loader.items].sum()
    bucketed = sum(batch.tokens["input_ids"].numel() for batch in loader)
    blind = sum(
        texts.lengths[b.item.numpy()].max() * len(b.item) for b in batches(annotations, batch_size, shuffle=True)
    )
    assert (bucketed - used) < 0.1 * (blind - used)
    lengths = [batch.tokens["input_ids"].shape[1] for batch in loader]
    assert np.abs(np.corrcoef(lengths, np.arange(len(lengths)))[0, 1]) < 0.3  # but long texts do not come last


def test_labels_have_the_dtype_of_their_scale():
    nominal = next(iter(batches(corpus())))
    interval = next(iter(batches(corpus(scale=Scale("interval", low=0, high=1), labels=itertools.cycle([0.25, 0.5])))))
    sets = itertools.cycle([("a",), (), ("a", "b")])
    several = next(iter(batches(corpus(scale=Scale("multilabel", ("a", "b")), labels=sets))))
    assert (nominal.label.dtype, nominal.label.ndim) == (torch.int64, 1)
    assert (interval.label.dtype, interval.label.ndim) == (torch.float32, 1)
    assert several.label.dtype == torch.float32
    assert several.label.shape == (len(several.row), 2)


@pytest.mark.parametrize("options", [{}, {"shuffle": True}])
def test_nothing_to_visit_is_an_empty_epoch(options):
    annotations = corpus()
    loader = batches(annotations, rows=np.empty(0, np.int64), tokens=tokens_of(annotations), **options)
    loader.load_state_dict({"done": 0})
    assert (len(loader), list(loader)) == (0, [])
