"""Runs of one corpus sorted for a comparison: what belongs together, what cannot stand in one table."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

import pandas as pd
from omegaconf import OmegaConf

from perspectives.config import LATER_OPTIONS, NO_RESULT_DEPENDS_ON, run_identity
from perspectives.errors import RunError, listing
from perspectives.runs.run import Run

MODEL_OPTIONS = ("encoder", "model", "optim", "trainer", "calibrate", "decision", "control", "adapt")
KEPT_BESIDES = ("predictions", "dynamics")  # what a run keeps beside its answers
USUAL = {"control": "none", "decision": "argmax", "adapt": 0}  # of runs that do not say, and never part of a name


def without_twins(runs: Sequence[Run]) -> list[Run]:
    """Of runs that differ only in what else they kept (answers of everyone, training dynamics), one."""
    twins: dict[str, dict[str, list[Run]]] = defaultdict(lambda: defaultdict(list))
    for run in runs:
        identity = run_identity(OmegaConf.create(run.config))
        kept = {name: identity.pop(name, None) for name in KEPT_BESIDES}
        twins[f"{identity} {run.provenance['data']['checksum']}"][str(kept)].append(run)
    return [run for kinds in twins.values() for run in next(iter(kinds.values()))]


def folds_by_seed(runs: Sequence[Run]) -> dict[Any, list[Run]]:
    """The runs of one training by seed, each in the order of their folds. Raises RunError where one is there twice."""
    found: dict[Any, dict[Any, Run]] = defaultdict(dict)
    for run in runs:
        seed, fold = run.config.get("seed"), fold_of(run)
        if fold in found[seed]:
            raise RunError(
                f"two runs are {run.config['model']['name']}, fold {fold}, seed {seed}, with the same settings: "
                f"{found[seed][fold].folder.name} and {run.folder.name}; name the runs you mean, or delete one"
            )
        found[seed][fold] = run
    return {seed: [folds[fold] for fold in sorted(folds, key=str)] for seed, folds in found.items()}


def on_common_folds(runs: Sequence[Run]) -> tuple[list[Run], list[Run]]:
    """Runs on the folds that most configurations and seeds cover; and the rest: of other folds, or without all."""
    trainings: dict[tuple, set] = defaultdict(set)
    for run in runs:
        trainings[training_of(run)].add(fold_of(run))
    counts = Counter(frozenset(folds) for folds in trainings.values())
    common = max(counts, key=lambda folds: (counts[folds], len(folds)))
    kept = [run for run in runs if fold_of(run) in common and common <= trainings[training_of(run)]]
    return kept, [run for run in runs if run not in kept]


def grouped(runs: Sequence[Run]) -> list[list[Run]]:
    """Runs that differ in fold and seed only, together."""
    groups: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        groups[str(training_of(run)[:2])].append(run)
    return list(groups.values())


def training_of(run: Run) -> tuple:
    """What all folds of one training share: method, options and seed."""
    return run.config["model"]["name"], str(sorted(options_of(run).items())), run.config.get("seed")


def fold_of(run: Run) -> Any:
    return run.config["split"].get("fold")


def options_of(run: Run) -> dict[str, Any]:
    """What distinguishes configurations of a method, flat: `optim.lr` → value."""
    chosen = {key: (USUAL | run.config)[key] for key in MODEL_OPTIONS if key in USUAL | run.config}
    flat = {str(key): value for key, value in pd.json_normalize(chosen).iloc[0].to_dict().items()}
    if "encoder.tune" in flat:
        flat.setdefault("encoder.pairs", LATER_OPTIONS["encoder.pairs"])
    return {key: value for key, value in flat.items() if key not in NO_RESULT_DEPENDS_ON}


def encoder_of(options: dict[str, Any]) -> str | None:
    """`minilm (frozen)`, by the flat options of a run; None where it has no encoder."""
    if "encoder._target_" not in options:
        return None
    tune = options.get("encoder.tune")
    return encoder_name(options) + (f" ({tune})" if tune else "")


def encoder_name(options: dict[str, Any]) -> str:
    return options.get("encoder.name") or options["encoder._target_"].rpartition(".")[2].lower()


def refuse_mixtures(runs: Sequence[Run]) -> None:
    corpora: dict[Any, list[str]] = defaultdict(list)
    for run in runs:
        split, target = _split(run), run.config["data"].get("target")
        data, version = run.provenance["data"]["checksum"][:8], run.provenance["results_version"]
        named = f"{run.config['data']['name']}{f' {target}' if target else ''}, split {split}, "
        named += f"data {data}, results version {version}"
        corpora[named].append(run.folder.name)
    if len(corpora) > 1:
        shown = [f"{name}: {', '.join(folders[:3])}" for name, folders in corpora.items()]
        raise RunError(
            f"these runs are of {len(corpora)} corpora, splits or versions; compare one at a time\n{listing(shown)}"
        )


def _split(run: Run) -> str:
    """`items folds=5, seed=0`: the kind of split and its options, without the fold."""
    options = {key: value for key, value in run.config["split"].items() if key not in ("_target_", "fold")}
    shown = ", ".join(f"{key}={value}" for key, value in options.items() if value is not None)
    return f"{run.config['split']['_target_'].rpartition('.')[2]} {shown}".strip()
