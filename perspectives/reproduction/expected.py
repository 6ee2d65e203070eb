"""How long a training will take, estimated from finished runs."""

import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from perspectives.models.ensemble import ENSEMBLE
from perspectives.reproduction.trainings import PlannedRun
from perspectives.runs.run import MEMBERS, Run

SMOKE_FOLDER = "smoke"
OTHERS = {SMOKE_FOLDER, MEMBERS}  # folders of runs whose speed says nothing about others
MOST_READ = 500  # runs, the newest: enough for a median


def expected_seconds(trainings: Sequence[PlannedRun], root: Path) -> list[float]:
    """Seconds per training: the texts of its corpus over the texts per second of finished runs below `root`, in the
    process that finished them; nan where no run is similar.

    Most similar are runs of the same encoder, tuning and method on the same corpus, then those of the same encoder,
    tuning and method, then of the same encoder and tuning (of an ensemble, which trains one for each person, none).
    """
    speeds: dict[tuple, list[float]] = {}
    for run in _newest(root):
        seen = run.metrics.get("throughput", {})
        if seen.get("seconds"):
            for likeness in _likenesses(run.config):
                speeds.setdefault(likeness, []).append(seen["items"] / seen["seconds"])
    return [_seconds(training, speeds) for training in trainings]


def _seconds(training: PlannedRun, speeds: dict[tuple, list[float]]) -> float:
    for likeness in _likenesses(training.config):
        if likeness in speeds:
            return training.items / statistics.median(speeds[likeness])
    return float("nan")


def _likenesses(config: Any) -> Iterable[tuple]:
    """What identifies similar runs, from the most similar to the least."""
    encoder = config.get("encoder", {})
    core = (encoder.get("_target_"), encoder.get("name"), encoder.get("tune"))
    method = (*core, config["model"]["name"])
    alike = (*method, config["data"]["name"]), method
    return alike if config["model"]["name"] == ENSEMBLE else (*alike, core)


def _newest(root: Path) -> list[Run]:
    files = [path for path in root.glob("**/metrics.json") if OTHERS.isdisjoint(path.relative_to(root).parts)]
    files.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    return [Run(path.parent) for path in files[:MOST_READ] if (path.parent / "config.yaml").exists()]
