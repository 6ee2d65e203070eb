"""Row-wise AdamW against torch's, and clipping of sparse gradients against dense."""

import copy

import pytest
import torch
from torch import nn

from perspectives.models.optim import RowAdamW, clip_gradients

OPTIONS = {"lr": 1e-2, "weight_decay": 0.1}
ROWS, WIDTH = 50, 8


def tables():
    torch.manual_seed(0)
    sparse, dense = nn.Embedding(ROWS, WIDTH, sparse=True), nn.Embedding(ROWS, WIDTH)
    dense.load_state_dict(sparse.state_dict())
    return sparse, dense


def step(table: nn.Embedding, optimizer: torch.optim.Optimizer, rows: torch.Tensor, target: torch.Tensor) -> None:
    optimizer.zero_grad()
    ((table(rows) - target) ** 2).mean().backward()
    optimizer.step()


def test_with_every_row_touched_it_is_adamw():
    sparse, dense = tables()
    ours, theirs = RowAdamW(sparse.parameters(), **OPTIONS), torch.optim.AdamW(dense.parameters(), **OPTIONS)
    start = sparse.weight.detach().clone()
    for _ in range(50):
        rows, target = torch.randperm(ROWS), torch.randn(ROWS, WIDTH)
        step(sparse, ours, rows, target)
        step(dense, theirs, rows, target)
    assert (sparse.weight - dense.weight).abs().max() <= 5e-6
    assert (sparse.weight - start).abs().min() > 1e-4


def test_a_row_takes_the_steps_it_would_take_alone_and_absent_rows_stay_bit_for_bit():
    sparse, _ = tables()
    before = sparse.weight.detach().clone()
    alone = nn.Parameter(before[3].clone())
    ours, theirs = RowAdamW(sparse.parameters(), **OPTIONS), torch.optim.AdamW([alone], **OPTIONS)
    for number in range(20):
        rows = torch.tensor([3, 7]) if number % 2 else torch.tensor([7, 9, 7])  # a row twice in a batch adds up
        target = torch.randn(len(rows), WIDTH)
        step(sparse, ours, rows, target)
        if number % 2:
            theirs.zero_grad()
            ((alone - target[0]) ** 2).sum().div(target.numel()).backward()
            theirs.step()
    torch.testing.assert_close(sparse.weight[3], alone, atol=5e-6, rtol=0)
    absent = [row for row in range(ROWS) if row not in (3, 7, 9)]
    assert torch.equal(sparse.weight[absent], before[absent])
    assert not torch.equal(sparse.weight[[3, 7, 9]], before[[3, 7, 9]])


def test_dense_parameters_beside_the_table_take_adamw_steps():
    torch.manual_seed(0)
    ours = nn.ModuleList([nn.Embedding(ROWS, WIDTH, sparse=True), nn.Linear(WIDTH, 1)])
    theirs = nn.ModuleList([nn.Embedding(ROWS, WIDTH), nn.Linear(WIDTH, 1)])
    theirs.load_state_dict(ours.state_dict())
    optimizers = RowAdamW(ours.parameters(), **OPTIONS), torch.optim.AdamW(theirs.parameters(), **OPTIONS)
    for _ in range(20):
        target = torch.randn(ROWS, 1)
        for (table, head), optimizer in zip((ours, theirs), optimizers, strict=True):
            optimizer.zero_grad()
            ((head(table(torch.arange(ROWS))) - target) ** 2).mean().backward()
            optimizer.step()
    for left, right in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(left, right, atol=5e-6, rtol=0)


def test_a_saved_optimizer_continues_bit_for_bit(tmp_path):
    table, _ = tables()
    optimizer = RowAdamW(table.parameters(), **OPTIONS)
    draws = [(torch.randint(0, ROWS, (9,)), torch.randn(9, WIDTH)) for _ in range(20)]
    for draw in draws[:10]:
        step(table, optimizer, *draw)
    torch.save([table.state_dict(), optimizer.state_dict()], tmp_path / "state")
    resumed = nn.Embedding(ROWS, WIDTH, sparse=True)
    other = RowAdamW(resumed.parameters(), **OPTIONS)
    weights, state = torch.load(tmp_path / "state", weights_only=True)
    resumed.load_state_dict(weights)
    other.load_state_dict(state)
    for draw in draws[10:]:
        step(table, optimizer, *draw)
        step(resumed, other, *draw)
    assert torch.equal(table.weight, resumed.weight)


@pytest.mark.parametrize("limit", [0.01, 1000.0])
def test_clipping_equals_torchs_on_dense_gradients(limit):
    torch.manual_seed(0)
    parameters = [nn.Parameter(torch.randn(20, 4)), nn.Parameter(torch.randn(3)), nn.Parameter(torch.randn(2))]
    rows = torch.tensor([4, 9, 4])
    (
        nn.functional.embedding(rows, parameters[0], sparse=True).sum(0).square().sum() + parameters[1].exp().sum()
    ).backward()
    dense = copy.deepcopy(parameters)
    for ours, theirs in zip(parameters, dense, strict=True):
        theirs.grad = None if ours.grad is None else ours.grad.to_dense() if ours.grad.is_sparse else ours.grad.clone()
    clip_gradients(parameters, limit)
    norm = nn.utils.clip_grad_norm_(dense, limit)
    assert 0.01 < norm < 1000
    assert parameters[2].grad is None
    torch.testing.assert_close(parameters[0].grad.to_dense(), dense[0].grad)
    torch.testing.assert_close(parameters[1].grad, dense[1].grad)
    clip_gradients([parameters[2]], limit)  # nothing to clip is no mistake
