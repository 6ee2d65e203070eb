"""(a) A training step of 10,000 or 17,280 annotator heads on a live encoder, against the step of the bare encoder.

The same 32 texts of 32 tokens with 5 annotations each, MiniLM fine-tuned in float32, fused AdamW on both sides. The
bare encoder's loss is a mean over its content vectors.
"""

from itertools import cycle

from parts import DEVICE, FusedAdamW, batches, crowd, live, optimization
from timing import Ratio, in_turns

from perspectives.data.schema import Schema
from perspectives.models.multitask import MultiTask


def measured(people: int, levels: int, rounds: int = 20) -> Ratio:
    annotations = crowd(people, levels, items=max(people // 5, 32 * rounds), per_item=5)
    encoder, tokens = live(annotations)
    bare, _ = live(annotations)
    model = MultiTask(encoder, Schema.of(annotations), optimization(160.0)).to(DEVICE).train()
    ours, theirs = model.configure_optimizers(), FusedAdamW(bare.parameters(), lr=2e-5, weight_decay=0.01)
    steps = batches(annotations, 32, tokens)[:rounds]
    texts, same_texts = cycle(steps), cycle(steps)

    def with_heads() -> None:
        model.training_step(next(texts), 0).backward()
        ours.step()
        ours.zero_grad()

    def encoder_alone() -> None:
        bare(next(same_texts)).mean().backward()
        theirs.step()
        theirs.zero_grad()

    return in_turns(with_heads, encoder_alone, rounds)


if __name__ == "__main__":
    for people, levels in ((10_000, 2), (17_280, 5)):
        question = f"(a) step with {people:,} annotators × {levels} levels / bare encoder's step"
        print(measured(people, levels).row(question, "≤ 1.08"), flush=True)
