"""What the tests of training share: small runs, processes killed at a chosen point, and results to compare."""

import json
import multiprocessing
import os
import signal
from importlib import import_module
from pathlib import Path

import numpy as np
import torch

from perspectives.config import compose
from perspectives.data.batches import Batch
from perspectives.data.schema import Schema
from perspectives.predictions import Predictions
from perspectives.runs.run import Run
from perspectives.training.fit import fit
from perspectives.training.rebuilding import load_model

torch.set_num_threads(1)  # models this small only wait for each other's threads, above all on a busy machine

TINY = ("debug=tiny", "trainer.max_epochs=3")
# Everything random is on: dropout, and bf16 autocast as in real fine-tuning.
FINETUNE = (
    *("trainer=finetune", "trainer.precision=bf16-mixed", "debug=tiny", "encoder.tune=full"),
    *("trainer.max_epochs=3", "trainer.batch_size=8"),
)

# A process that has imported what training needs, once, and forks a child for every command.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["running", "perspectives.training.training", "perspectives.verbs.train"])


def places(folder: Path) -> list[str]:
    return [f"paths.runs={folder / 'runs'}", f"paths.cache={folder / 'cache'}"]


def train(folder: Path, *overrides: str) -> Run:
    """`perspectives train OVERRIDES` in this process, without the command line."""
    return fit(compose("train", [*overrides, *places(folder)]))


def started(folder: Path, *overrides: str, at: str | None = None, count: int = 1, sent: int = signal.SIGKILL):
    """A process running `perspectives train OVERRIDES`; it gets the signal when it is about to call `at` the `count`-th
    time (`module:function`)."""
    folder.mkdir(exist_ok=True)
    process = PROCESSES.Process(target=_command, args=([*overrides, *places(folder)], at, count, sent, folder / "said"))
    process.start()
    return process


def ended(process) -> int:
    """Its exit code; minus the signal's number when it was killed."""
    process.join(timeout=100)
    assert process.exitcode is not None, "the process hangs"
    return process.exitcode


def _command(overrides: list[str], at: str | None, count: int, sent: int, said: Path) -> None:
    from perspectives.cli import main

    with open(said, "w") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where a shell started all this in the background
    if at is not None:
        _signal_before(at, count, sent)
    raise SystemExit(main(["train", *overrides]))


def _signal_before(at: str, count: int, sent: int) -> None:
    module, _, inside = at.partition(":")
    *owners, name = inside.split(".")
    owner, calls = import_module(module), []
    for attribute in owners:
        owner = getattr(owner, attribute)
    original = getattr(owner, name)

    def counted(*args, **kwargs):
        calls.append(1)
        if len(calls) == count:
            os.kill(os.getpid(), sent)
        return original(*args, **kwargs)

    setattr(owner, name, counted)


def results(run: Run) -> dict[str, bytes | dict]:
    """Everything a run found, by file: bytes, and the metrics without the time they took."""
    names = ("model.safetensors", "history.csv", "schema.json")
    files = [run.folder / name for name in names] + sorted(run.folder.glob("predictions/*/*/*"))
    found: dict[str, bytes | dict] = {str(path.relative_to(run.folder)): path.read_bytes() for path in files}
    metrics = json.loads((run.folder / "metrics.json").read_text())
    del metrics["throughput"]
    return found | {"metrics": metrics}


def answers(run: Run, part: str = "test") -> Predictions:
    """What the one method of a run predicted."""
    ((_, predictions),) = run.predictions(part).items()
    return predictions


def rebuilt(run: Run, found: Predictions) -> np.ndarray:
    """The answers of a model rebuilt from the run, for the pairs of `found`."""
    model, tokens = load_model(run, found.items[["text"]])
    annotators = Schema.load(run.folder / "schema.json").encode(found.annotators)
    items = np.arange(len(found.items))
    batch = Batch.of_texts(torch.from_numpy(items), tokens and tokens.padded(items))
    pairs = torch.from_numpy(found.item_index), torch.from_numpy(found.annotator_index)
    with torch.inference_mode():
        return model.predict_pairs(model.encode(batch), annotators, *pairs).numpy()
