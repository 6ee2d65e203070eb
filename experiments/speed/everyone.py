"""(d) Everyone's answers with the jury model, 1,000 texts × 1,000 annotators, against one full forward per pair.

The same network, asked for all pairs at once with each side of its first layers computed once, or for chunks of pairs
of concatenated vectors, as a program would that has only `forward(content, annotator)`.
"""

import torch
from parts import DEVICE, cached, crowd, optimization
from timing import Ratio, in_turns

from perspectives.data.batches import Batch
from perspectives.data.schema import Schema
from perspectives.models.jury import Jury

CHUNK = 16_384


def measured(rounds: int = 2, **options) -> Ratio:
    annotations = crowd(1_000, 5, items=1_000, per_item=5)
    schema = Schema.of(annotations)
    model = Jury(cached(1_000), schema, optimization(160.0), **options).to(DEVICE).eval()
    content = model.encode(Batch.of_texts(torch.arange(1_000, device=DEVICE)))
    people = schema.training_annotators.to(DEVICE)
    item_index = torch.arange(1_000, device=DEVICE).repeat_interleave(1_000)
    annotator_index = torch.arange(1_000, device=DEVICE).repeat(1_000)

    @torch.inference_mode()
    def pair_by_pair() -> torch.Tensor:
        vectors = model.side(people)
        answers = []
        for items, who in zip(item_index.split(CHUNK), annotator_index.split(CHUNK), strict=True):
            own = torch.arange(len(items), device=DEVICE)
            pairs = model.network(content[items], vectors[who], own, own)  # every pair its own text and its own person
            answers.append(model.objective.predict(pairs))
        return torch.cat(answers).view(1_000, 1_000, -1)

    @torch.inference_mode()
    def all_at_once() -> torch.Tensor:
        return model.everyone(content, people)

    torch.testing.assert_close(pair_by_pair(), all_at_once(), atol=1e-5, rtol=1e-4)
    ratio = in_turns(pair_by_pair, all_at_once, rounds, warm_up=1)
    return ratio._replace(ours=ratio.theirs, theirs=ratio.ours)


if __name__ == "__main__":
    for name, options in {
        "1 cross layer, full rank": {},
        "3 cross layers, full rank": {"cross_layers": 3, "deep_layers": 2},
        "3 cross layers, rank 32": {"cross_layers": 3, "deep_layers": 2, "rank": 32},
    }.items():
        print(measured(**options).row(f"(d) 10⁶ pairs, {name}: pair by pair / ours", ""), flush=True)
