"""(e) An epoch with a live encoder through `perspectives train`, against a bare PyTorch loop over the same batches.

HS-Brexit where PERSPECTIVES_DATA has it, otherwise the generated population. Both fine-tune MiniLM and six (or sixty)
heads with the same fused row-wise AdamW and the same clipping; the bare loop is only the loop. Then cached: texts per
second of the same training on frozen vectors.
"""

import os
import tempfile
import warnings
from pathlib import Path

import numpy as np
import torch
from timing import Ratio, timed

from perspectives.config import compose, instantiate
from perspectives.data.load import load
from perspectives.models.optim import clip_gradients
from perspectives.runs.run import Run
from perspectives.training.fit import fit
from perspectives.training.training import Training

DATA = "hs_brexit" if Path(os.environ.get("PERSPECTIVES_DATA", ""), "lewidi2023_hs_brexit").is_dir() else "synthetic"
OPTIONS = [f"data={DATA}", "model=multitask", "trainer.progress=false"]
LIVE = ["encoder.tune=full", "trainer=finetune", "trainer.max_epochs=1"]


def measured(rounds: int = 3) -> Ratio:
    spent = []
    for number in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            config = compose(overrides=[*OPTIONS, *LIVE, f"paths.runs={folder}", f"seed={number}"])
            throughput = fit(config).metrics["throughput"]
            spent.append((throughput["train_seconds"], bare_epoch(config, Path(folder) / "bare")))
    low, median, high = sorted(ours / theirs for ours, theirs in spent)
    ours_median, theirs_median = (sorted(times)[1] for times in zip(*spent, strict=True))
    return Ratio(ours_median, theirs_median, low, median, high)


def bare_epoch(config, folder: Path) -> float:
    """Seconds of one epoch of the same model on the same batches in a loop of six lines."""
    folder.mkdir()
    annotations = load(config.data)
    training = Training(config, annotations, instantiate(config.split, annotations=annotations), Run(folder))
    model = training.model.to(training.device).train()
    optimizer = model.configure_optimizers()
    train = training.targets["train"]
    loader = training.batches(train, np.arange(len(train)), shuffle=True, seed=config.seed)

    def loop() -> None:
        for number, batch in enumerate(loader):
            model.training_step(batch.to(training.device), number).backward()
            clip_gradients(model.parameters(), config.trainer.gradient_clip)
            optimizer.step()
            optimizer.zero_grad()

    return timed(loop)


def cached_throughput() -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        options = [*OPTIONS, f"paths.runs={folder}", "trainer.max_epochs=20", "trainer.batch_size=512"]
        return fit(compose(overrides=options)).metrics["throughput"]


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    print(measured().row(f"(e) epoch on {DATA} through `perspectives train` / bare loop", "≤ 1.06"), flush=True)
    rates = cached_throughput()
    texts, annotations = rates["texts_per_second"], rates["annotations_per_second"]
    print(f"\nCached vectors, batches of 512: {texts:,.0f} texts/s, {annotations:,.0f} annotations/s in training.")
    print(f"\ntorch {torch.__version__}, {torch.get_num_threads()} threads, {torch.cuda.device_count()} GPU.")
