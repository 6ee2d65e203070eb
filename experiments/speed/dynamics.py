"""(f) What recording training dynamics adds to a training: at every step, and the file at the end of an epoch.

Heads of 1,000 people with 5 annotations a text: on a live MiniLM in batches of 32 texts, and on cached vectors in the
default batches of 64 and in large ones. Both sides are parts of the same epoch, timed by one clock: an effect of a few
percent is lost in the noise between two epochs.
"""

import statistics
import tempfile
from pathlib import Path
from types import SimpleNamespace

from parts import DEVICE, batches, cached, crowd, live, optimization
from timing import Ratio, timed

from perspectives.data.schema import Schema
from perspectives.models.multitask import MultiTask
from perspectives.quality.recording import Recording

PEOPLE, PER_ITEM = 1000, 5


def measured(items: int, batch_size: int, rounds: int, tune: bool) -> Ratio:
    annotations = crowd(PEOPLE, 2, items, PER_ITEM)
    encoder, tokens = live(annotations) if tune else (cached(items), None)
    model = MultiTask(encoder, Schema.of(annotations), optimization(float(batch_size * PER_ITEM))).to(DEVICE).train()
    model._trainer = SimpleNamespace(current_epoch=0)  # type: ignore[assignment]  # what a step asks its trainer for
    optimizer, steps = model.configure_optimizers(), batches(annotations, batch_size, tokens)
    with tempfile.TemporaryDirectory() as folder:
        recording = Recording(Path(folder), annotations, model.objective)

        def an_epoch(epoch: int) -> tuple[float, float]:
            """Seconds of training and of recording."""
            training = recorded = 0.0
            for number, batch in enumerate(steps):
                training += timed(lambda batch=batch, number=number: a_step(batch, number))
                recorded += timed(lambda batch=batch, number=number: note(batch, number))
            return training, recorded + timed(lambda: finish(epoch))

        def a_step(batch, number: int) -> None:
            model.training_step(batch, number).backward()
            optimizer.step()
            optimizer.zero_grad()

        def note(batch, number: int) -> None:
            recording.on_train_batch_end(None, model, None, batch, number)

        def finish(epoch: int) -> None:
            recording.on_train_epoch_end(SimpleNamespace(current_epoch=epoch), model)

        an_epoch(0)  # warms up
        times = [an_epoch(1 + number) for number in range(rounds)]
    ratios = [(training + recorded) / training for training, recorded in times]
    low, median, high = statistics.quantiles(ratios, n=4)
    without, extra = (statistics.median(seconds) for seconds in zip(*times, strict=True))
    return Ratio(without + extra, without, low, median, high)


if __name__ == "__main__":
    for what, items, size, rounds, tune in (
        ("live encoder, 32 texts a step", 640, 32, 3, True),
        ("cached vectors, 64 texts a step", 6400, 64, 20, False),
        ("cached vectors, 512 texts a step", 6656, 512, 20, False),
    ):
        question = f"(f) epoch with dynamics recorded / without: {what}"
        print(measured(items, size, rounds, tune).row(question, "≤ 1.03"), flush=True)
