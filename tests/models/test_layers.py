"""One table of heads against a loop of linear layers."""

import pytest
import torch
from torch import nn

from perspectives.models.layers import AnnotatorHeads

ANNOTATORS, LEVELS, HIDDEN, ITEMS = 7, 3, 5, 6


@pytest.fixture
def drawn():
    """A table of random heads, the linear layers it stands for, content, and pairs with repeated annotators."""
    torch.manual_seed(0)
    heads = AnnotatorHeads(ANNOTATORS, LEVELS, HIDDEN)
    nn.init.normal_(heads.table)
    layers = []
    for row in heads.table.detach().view(ANNOTATORS, LEVELS, HIDDEN + 1):
        layer = nn.Linear(HIDDEN, LEVELS)
        layer.load_state_dict({"weight": row[:, :-1], "bias": row[:, -1]})
        layers.append(layer)
    content = torch.randn(ITEMS, HIDDEN, requires_grad=True)
    item, annotator = torch.tensor([0, 0, 1, 3, 5, 5, 2]), torch.tensor([4, 1, 4, 6, 1, 2, 4])
    return heads, layers, content, item, annotator


def pairs(heads, content, item, annotator) -> torch.Tensor:
    unique, position = annotator.unique(return_inverse=True)
    return heads.everyone(content, unique)[item, position]


def test_pairs_equal_a_loop_of_linear_layers_in_values_and_gradients(drawn):
    heads, layers, content, item, annotator = drawn
    weight = torch.randn(len(item), LEVELS)
    (pairs(heads, content, item, annotator) * weight).sum().backward()
    got = content.grad.clone()
    content.grad = None
    looped = torch.stack([layers[a](content[i]) for i, a in zip(item, annotator, strict=True)])
    (looped * weight).sum().backward()
    torch.testing.assert_close(pairs(heads, content, item, annotator), looped)
    torch.testing.assert_close(got, content.grad)
    gradient = heads.table.grad
    assert gradient.is_sparse
    assert set(gradient.coalesce().indices()[0].tolist()) == {1, 2, 4, 6}
    dense = gradient.to_dense().view(ANNOTATORS, LEVELS, HIDDEN + 1)
    for a in (1, 2, 4, 6):
        torch.testing.assert_close(dense[a, :, :-1], layers[a].weight.grad)
        torch.testing.assert_close(dense[a, :, -1], layers[a].bias.grad)
    assert (dense[[0, 3, 5]] == 0).all()


def test_everyone_equals_a_loop_and_takes_annotators_in_any_order_and_twice(drawn):
    heads, layers, content, *_ = drawn
    asked = torch.tensor([6, 0, 0, 3])
    looped = torch.stack([layers[a](content) for a in asked], dim=1)
    torch.testing.assert_close(heads.everyone(content, asked), looped)


def test_renaming_annotators_permutes_the_answers(drawn):
    heads, _, content, item, annotator = drawn
    names = torch.randperm(ANNOTATORS)  # the new code of each annotator
    renamed = AnnotatorHeads(ANNOTATORS, LEVELS, HIDDEN)
    with torch.no_grad():
        renamed.table[names] = heads.table
    straight = pairs(heads, content, item, annotator)
    torch.testing.assert_close(pairs(renamed, content, item, names[annotator]), straight)


def test_heads_start_equal_for_everybody():
    assert (AnnotatorHeads(ANNOTATORS, LEVELS, HIDDEN).table == 0).all()
