"""The predictions of one trained method over several runs: folds joined, one set of Predictions per seed.

Only reads what runs wrote; no model is loaded.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from perspectives.config import run_identity
from perspectives.errors import RunError, listing
from perspectives.predictions import Predictions, average, join
from perspectives.runs.groups import fold_of, folds_by_seed
from perspectives.runs.run import Run, find_runs


@dataclass(frozen=True, eq=False)
class Joined:
    """Test predictions of one method.

    name: of the method. by_seed: predictions with folds joined. runs: the runs they come from.
    """

    name: str
    by_seed: dict[Any, Predictions]
    runs: list[Run]

    @cached_property
    def mean(self) -> Predictions:
        """The average over seeds; a single seed is returned unchanged, with `everyone` still on disk."""
        seeds = list(self.by_seed.values())
        return average(seeds) if len(seeds) > 1 else seeds[0]

    @property
    def folder(self) -> Path:
        """The folder that contains the runs."""
        return self.runs[0].folder.parent


def joined(paths: str | Path | Sequence[str | Path]) -> Joined:
    """Read the predictions in run folders, in folders above them, or in those that match a pattern (`runs/x/jury-*`).

    Folds must be the same for every seed. Raises RunError when there are no runs, when some are unfinished or given
    twice, or when they are of several methods or configurations, which are then listed.
    """
    given = [paths] if isinstance(paths, str | Path) else list(paths)
    runs = find_runs(given)
    if unfinished := [run.folder.name for run in runs if not run.finished]:
        raise RunError(f"these runs are unfinished; run their commands again to resume them\n{listing(unfinished)}")
    trained = [run for run in runs if run.config["model"]["name"] != "priors"]
    if not trained:
        raise RunError(f"{', '.join(map(str, given))} holds runs of priors only; name runs of a trained method")
    kinds: dict[str, list[Run]] = defaultdict(list)
    for run in trained:
        kinds[_training(run)].append(run)
    if len(kinds) > 1:
        shown = [f"{same[0].folder} ({len(same)} run{'s' * (len(same) > 1)})" for same in kinds.values()]
        raise RunError(
            f"one trained method is read at a time, and these are {len(kinds)}; name its runs, for example with a "
            f"pattern\n{listing(shown)}"
        )
    name, by_seed = trained[0].config["model"]["name"], folds_by_seed(trained)
    if len({tuple(map(fold_of, folds)) for folds in by_seed.values()}) > 1:
        raise RunError("not all seeds have the same folds; train the missing ones, or name the runs of some seeds")
    return Joined(name, {seed: _together(name, folds) for seed, folds in by_seed.items()}, trained)


def _together(name: str, folds: Sequence[Run]) -> Predictions:
    parts = [run.predictions("test")[name] for run in folds]
    return join(parts) if len(parts) > 1 else parts[0]


def _training(run: Run) -> str:
    """Return what all folds and seeds of one training share."""
    config = run_identity(OmegaConf.create(run.config))
    config["split"].pop("fold", None)
    config.pop("seed", None)
    return f"{sorted(config.items())} {run.provenance['data']['checksum']} {run.provenance['results_version']}"
