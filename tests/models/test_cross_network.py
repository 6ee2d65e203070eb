"""The cross network against its formulas, one pair at a time."""

from itertools import product

import pytest
import torch
from torch.nn import functional as F

from perspectives.errors import ConfigError
from perspectives.models import cross_network
from perspectives.models.cross_network import CrossNetwork

CONTENT, ANNOTATOR, OUTPUTS = 7, 3, 2
LAYERS = [(0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (2, 0), (2, 1), (3, 2)]  # cross, deep
NETWORKS = [
    {"structure": structure, "cross_layers": cross, "deep_layers": deep, "rank": rank}
    for structure, (cross, deep), rank in product(["stacked", "parallel"], LAYERS, [None, 2])
]


def network(annotator_width: int = ANNOTATOR, dtype: torch.dtype = torch.float64, **options) -> CrossNetwork:
    """A network as it starts, but with weights large enough for every layer to matter."""
    torch.manual_seed(3)
    chosen = {"structure": "stacked", "cross_layers": 2, "deep_layers": 2, "rank": None, "dropout": 0.0} | options
    return CrossNetwork(CONTENT, annotator_width, OUTPUTS, deep_width=5, **chosen).to(dtype)


def sides(items: int = 4, people: int = 6, width: int = ANNOTATOR, dtype: torch.dtype = torch.float64):
    generator = torch.Generator().manual_seed(8)
    drawn = [torch.randn(*shape, generator=generator, dtype=dtype) for shape in ((items, CONTENT), (people, width))]
    return tuple(vectors.requires_grad_() for vectors in drawn)


def affine(layer, x):
    """The layer as one matrix and bias, whether it is kept as a product of two or not."""
    maps = list(layer.children()) or [layer]
    matrix = maps[0].weight if len(maps) == 1 else maps[1].weight @ maps[0].weight
    return matrix @ x + maps[-1].bias


def one_by_one(net: CrossNetwork, content, annotator, structure: str = "stacked"):
    """x_{l+1} = x_0 ⊙ (W_l x_l + b_l) + x_l and h_{l+1} = ReLU(W_l h_l + b_l) [item, annotator, outputs]."""
    cross, deep = ([layer for layer in (first, *more) if layer is not None] for first, more in layers_of(net))
    rows = []
    for c, a in product(content, annotator):
        start = torch.cat([c, a])
        crossed = start
        for layer in cross:
            crossed = start * affine(layer, crossed) + crossed
        hidden = start if structure == "parallel" else crossed
        for layer in deep:
            hidden = F.relu(affine(layer, hidden))
        ends = {"parallel": [crossed] * bool(cross) + [hidden] * bool(deep), "stacked": [hidden]}
        rows.append(affine(net.head, torch.cat(ends[structure])))
    return torch.stack(rows).view(len(content), len(annotator), -1)


def layers_of(net: CrossNetwork):
    return (net.first_cross, net.cross), (net.first_deep, net.deep)


def all_pairs(items: int, people: int):
    return torch.arange(items).repeat_interleave(people), torch.arange(people).repeat(items)


@pytest.mark.parametrize("options", NETWORKS, ids=str)
def test_pairs_and_everyone_say_what_the_formulas_say_and_learn_the_same(options):
    net = network(**options)
    counts = [(first is not None) + len(more) for first, more in layers_of(net)]
    assert counts == [options["cross_layers"], options["deep_layers"]]
    for people in (2, 6):  # fewer and more than an annotator has numbers: whole and split second layers
        content, annotator = sides(people=people)
        leaves = [content, annotator, *net.parameters()]
        expected = one_by_one(net, content, annotator, options["structure"])
        weight = torch.linspace(-1, 2, expected.numel(), dtype=torch.float64).view_as(expected)
        gradients = torch.autograd.grad((expected * weight).sum(), leaves)
        pairs = net(content, annotator, *all_pairs(len(content), people)).view_as(expected)
        for answer in (pairs, net.everyone(content, annotator)):
            torch.testing.assert_close(answer, expected)
            torch.testing.assert_close(torch.autograd.grad((answer * weight).sum(), leaves), gradients)


@pytest.mark.parametrize("options", NETWORKS, ids=str)
def test_every_parameter_of_a_fresh_network_learns(options):
    net = network(dtype=torch.float32, **options)
    content, annotator = sides(12, 9, dtype=torch.float32)
    net(content, annotator, *all_pairs(12, 9)).square().sum().backward()
    still = [name for name, parameter in net.named_parameters() if not parameter.grad.abs().max() > 0]
    assert not still


def test_single_precision_is_enough_at_real_widths():
    torch.manual_seed(0)
    options = {"structure": "stacked", "deep_width": 64, "rank": None, "dropout": 0.0}
    for cross, deep in ((1, 1), (3, 2)):
        net = CrossNetwork(384, 64, 5, cross_layers=cross, deep_layers=deep, **options)
        content, annotator = F.layer_norm(torch.randn(3, 384), [384]), torch.randn(80, 64)
        got = net.everyone(content, annotator)
        expected = one_by_one(net.double(), content.double(), annotator.double())
        assert expected.std() > 0.05
        torch.testing.assert_close(got.double(), expected, atol=1e-5, rtol=1e-5)


def test_the_order_of_pairs_texts_and_people_does_not_matter():
    net = network()
    content, annotator = sides()
    items, people = all_pairs(4, 6)
    order = torch.randperm(24, generator=torch.Generator().manual_seed(1))
    answers = net(content, annotator, items, people)
    torch.testing.assert_close(net(content, annotator, items[order], people[order]), answers[order])
    turned = net.everyone(content.flip(0), annotator.flip(0)).flip(0, 1)
    torch.testing.assert_close(turned, answers.view(4, 6, -1))
    assert answers.view(4, 6, -1).std(0).min() > 1e-3
    assert answers.view(4, 6, -1).std(1).min() > 1e-3


@pytest.mark.parametrize("people", [2, 6])
@pytest.mark.parametrize("pairs", [1, 7, 13, 1000])
@pytest.mark.parametrize("structure", ["stacked", "parallel"])
def test_blocks_do_not_change_the_answers(monkeypatch, people, pairs, structure):
    net = network(structure=structure)
    content, annotator = sides(5, people)
    sizes, read = [], CrossNetwork._read

    def watched(self, sides, *rest):
        answer = read(self, sides, *rest)
        sizes.append(len(answer))
        return answer

    monkeypatch.setattr(cross_network, "PAIRS_AT_ONCE", pairs)
    monkeypatch.setattr(CrossNetwork, "_read", watched)
    answers = net.everyone(content, annotator)
    torch.testing.assert_close(answers, one_by_one(net, content, annotator, structure))
    assert sum(sizes) == 5
    assert max(sizes) == min(5, max(1, pairs // people))  # whole texts, at least one


@pytest.mark.parametrize(
    ("options", "people", "split"),
    [
        ({}, 4, True),
        ({}, 3, False),  # no more people than numbers of each: the whole layer is as cheap
        ({"cross_layers": 1}, 4, True),
        ({"cross_layers": 1, "rank": 2}, 4, True),
        ({"rank": 2}, 4, False),
        ({"cross_layers": 1, "structure": "parallel"}, 4, False),  # the head reads deep units too
        ({"cross_layers": 0}, 4, False),
    ],
)
def test_the_second_layer_is_split_where_that_saves_time(monkeypatch, options, people, split):
    used = []
    whole = cross_network.SecondSplit.__call__
    monkeypatch.setattr(cross_network.SecondSplit, "__call__", lambda *parts: used.append(1) or whole(*parts))
    network(**options).everyone(*sides(4, people))
    assert bool(used) == split


@pytest.mark.parametrize("structure", ["stacked", "parallel"])
def test_without_anything_known_of_annotators_each_text_is_read_once(monkeypatch, structure):
    net = network(0, structure=structure)
    content, nobody = sides(4, 6, 0)
    expected = one_by_one(net, content, nobody, structure)
    rows = []
    net.head.register_forward_hook(lambda _, inputs, __: rows.append(inputs[0].shape[:-1].numel()))
    torch.testing.assert_close(net.everyone(content, nobody), expected)
    torch.testing.assert_close(net(content, nobody, *all_pairs(4, 6)).view_as(expected), expected)
    assert rows == [4, 4]


@pytest.mark.parametrize(("items", "people"), [(0, 6), (4, 0), (0, 0)])
def test_nobody_and_nothing_asked_is_an_empty_answer(items, people):
    net = network()
    assert net.everyone(*sides(items, people)).shape == (items, people, OUTPUTS)
    none = torch.empty(0, dtype=torch.int64)
    assert net(*sides(items, people), none, none).shape == (0, OUTPUTS)


def test_dropout_is_on_deep_layers_while_training_only():
    content, annotator = sides()
    asked = content, annotator, *all_pairs(4, 6)
    net = network(dropout=0.5)
    torch.manual_seed(1)
    assert not torch.equal(net(*asked), net(*asked))
    assert torch.equal(net.eval()(*asked), net(*asked))
    without = network(dropout=0.5, deep_layers=0)
    assert torch.equal(without(*asked), without(*asked))


def test_low_rank_has_fewer_parameters_and_the_split_costs_none():
    width = CONTENT + ANNOTATOR
    full, low = network(deep_layers=0), network(deep_layers=0, rank=2)
    head = (width + 1) * OUTPUTS
    assert sum(p.numel() for p in full.parameters()) == 2 * (width * width + width) + head
    assert sum(p.numel() for p in low.parameters()) == 2 * (2 * 2 * width + width) + head


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"structure": "deep"}, r"model.structure='deep' is unknown; choose one of stacked, parallel"),
        ({"rank": 0}, r"model.rank=0 is not possible; give a number from 1, or null for full matrices"),
        (
            {"cross_layers": 0, "deep_layers": 0},
            r"model.cross_layers=0 and model.deep_layers=0 make no network; .* at least one of them above 0",
        ),
        ({"cross_layers": -1}, r"model.cross_layers=-1 and model.deep_layers=2 make no network; give numbers from 0"),
    ],
)
def test_mistakes_are_named(options, message):
    with pytest.raises(ConfigError, match=message):
        network(**options)
