"""(c) 5,000 heads, optimizer included, against a loop over linear layers, on cached vectors.

32 texts with 5 annotations each per step; one fused AdamW owns all layers of the loop. Published code asks every layer
about every text and masks what nobody said, so that all of them get a gradient, mostly of zeros. A more careful loop
asks the layers of the batch's annotators only.
"""

from itertools import cycle

import torch
from parts import DEVICE, HIDDEN, FusedAdamW, batches, cached, crowd, optimization
from timing import Ratio, in_turns
from torch import nn

from perspectives.data.schema import Schema
from perspectives.models.multitask import MultiTask


def measured(people: int = 5_000, levels: int = 2, rounds: int = 20, everyone: bool = False) -> Ratio:
    """everyone: the loop asks every layer, as published code does."""
    annotations = crowd(people, levels, items=people, per_item=5)
    content = cached(people)
    model = MultiTask(content, Schema.of(annotations), optimization(160.0)).to(DEVICE).train()
    layers = nn.ModuleList(nn.Linear(HIDDEN, levels) for _ in range(people + 1)).to(DEVICE)
    ours, theirs = model.configure_optimizers(), FusedAdamW(layers.parameters(), lr=1e-3, weight_decay=0.01)
    steps = batches(annotations, 32)[:rounds]
    mine, others = cycle(steps), cycle(steps)

    def one_table() -> None:
        model.training_step(next(mine), 0).backward()
        ours.step()
        ours.zero_grad()

    def a_loop() -> None:
        batch = next(others)
        vectors, codes = content(batch), batch.annotators.code
        asked = range(people + 1) if everyone else codes.tolist()
        answers = torch.stack([layers[code](vectors) for code in asked], 1)  # [item, annotator, level]
        who = codes[batch.annotator_index] if everyone else batch.annotator_index
        nn.functional.cross_entropy(answers[batch.item_index, who], batch.label).backward()
        theirs.step()
        theirs.zero_grad()

    return in_turns(a_loop, one_table, rounds)


if __name__ == "__main__":
    for everyone, who in ((True, "all layers"), (False, "the batch's layers")):
        ratio = measured(everyone=everyone)
        swapped = ratio._replace(ours=ratio.theirs, theirs=ratio.ours)
        print(swapped.row(f"(c) 5,000 heads: loop over {who} / ours", "≥ 50"), flush=True)
