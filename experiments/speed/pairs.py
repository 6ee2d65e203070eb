"""(b) An epoch on a corpus in which 123 people rated each of 350 texts, against encoding every (text, rater) pair.

The shape of DICES-350 with invented texts: what a model that puts the rater into the input pays, and one that asks
every head about a text encoded once. The pairs are timed on a part of them, and the time multiplied.
"""

from parts import DEVICE, FusedAdamW, batches, crowd, live, optimization
from timing import Ratio, timed

from perspectives.data.schema import Schema
from perspectives.models.multitask import MultiTask

RATERS, TEXTS, PART = 123, 350, 100  # every 100th of the 43,050 pairs is timed


def measured() -> Ratio:
    annotations = crowd(RATERS, 3, TEXTS, RATERS, words=60)
    encoder, tokens = live(annotations, max_length=64)
    bare, _ = live(annotations, max_length=64)
    model = MultiTask(encoder, Schema.of(annotations), optimization(32.0 * RATERS)).to(DEVICE).train()
    ours, theirs = model.configure_optimizers(), FusedAdamW(bare.parameters(), lr=2e-5, weight_decay=0.01)
    steps = batches(annotations, 32, tokens)

    def epoch() -> None:
        for number, batch in enumerate(steps):
            model.training_step(batch, number).backward()
            ours.step()
            ours.zero_grad()

    def some_pairs() -> None:  # a batch of 32 texts costs what a batch of 32 pairs does
        for number in range(len(annotations) // PART // 32):
            bare(steps[number % (len(steps) - 1)]).mean().backward()
            theirs.step()
            theirs.zero_grad()

    epoch()
    timed_pairs = len(annotations) // PART // 32 * 32
    spent = [(timed(epoch), timed(some_pairs) * len(annotations) / timed_pairs) for _ in range(3)]
    low, median, high = sorted(theirs / ours for ours, theirs in spent)
    ours_median, theirs_median = (sorted(times)[1] for times in zip(*spent, strict=True))
    return Ratio(ours_median, theirs_median, low, median, high)


if __name__ == "__main__":
    print(measured().row("(b) epoch of 350 texts × 123 raters: encoding each pair / ours", "≥ 50"), flush=True)
