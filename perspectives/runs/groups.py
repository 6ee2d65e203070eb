"""Group the runs of one corpus for a comparison, and refuse runs that cannot be in one table."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

import pandas as pd
from omegaconf import OmegaConf

from perspectives.config import LATER_OPTIONS, NO_RESULT_DEPENDS_ON, run_identity
from perspectives.errors import RunError, listing
from perspectives.runs.run import Run

MODEL_OPTIONS = ("encoder", "model", "optim", "trainer", "calibrate", "decision", "control", "adapt")
KEPT_BESIDES = ("predictions", "dynamics")  # options of what a run stores beside its answers
USUAL = {"control": "none", "decision": "argmax", "adapt": 0}  # defaults of runs without the option; not in names


def without_twins(runs: Sequence[Run]) -> list[Run]:
    """Keep one of the runs that differ only in what else they stored: answers of everyone, training dynamics."""
    twins: dict[str, dict[str, list[Run]]] = defaultdict(lambda: defaultdict(list))
    for run in runs:
        identity = run_identity(OmegaConf.create(run.config))
        kept = {name: identity.pop(name, None) for name in KEPT_BESIDES}
        twins[f"{identity} {run.provenance['data']['checksum']}"][str(kept)].append(run)
    return [run for kinds in twins.values() for run in next(iter(kinds.values()))]


def folds_by_seed(runs: Sequence[Run]) -> dict[Any, list[Run]]:
    """Return the runs of one training by seed, in the order of folds. Raises RunError for two runs of the same fold."""
    by_seed: dict[Any, dict[Any, Run]] = defaultdict(dict)
    for run in runs:
        seed, fold = run.config.get("seed"), fold_of(run)
        if fold in by_seed[seed]:
            raise RunError(
                f"two runs are {run.config['model']['name']}, fold {fold}, seed {seed}, with the same settings: "
                f"{by_seed[seed][fold].folder.name} and {run.folder.name}; name the runs you mean, or delete one"
            )
        by_seed[seed][fold] = run
    return {seed: [folds[fold] for fold in sorted(folds, key=str)] for seed, folds in by_seed.items()}


def on_common_folds(runs: Sequence[Run]) -> tuple[list[Run], list[Run]]:
    """Return the runs on the folds that most configurations and seeds cover, and the remaining runs."""
    trainings: dict[tuple, set] = defaultdict(set)
    for run in runs:
        trainings[training_of(run)].add(fold_of(run))
    counts = Counter(frozenset(folds) for folds in trainings.values())
    common = max(counts, key=lambda folds: (counts[folds], len(folds)))
    kept = [run for run in runs if fold_of(run) in common and common <= trainings[training_of(run)]]
    return kept, [run for run in runs if run not in kept]


def grouped(runs: Sequence[Run]) -> list[list[Run]]:
    """Group the runs that differ in fold and seed only."""
    groups: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        groups[str(training_of(run)[:2])].append(run)
    return list(groups.values())


def training_of(run: Run) -> tuple:
    """Return what all folds of one training share: method, options and seed."""
    return run.config["model"]["name"], str(sorted(options_of(run).items())), run.config.get("seed")


def fold_of(run: Run) -> Any:
    """Return the fold of a run; None where its split has no folds."""
    return run.config["split"].get("fold")


def options_of(run: Run) -> dict[str, Any]:
    """Return the options that distinguish configurations of a method, flat: `optim.lr` → value."""
    chosen = {key: (USUAL | run.config)[key] for key in MODEL_OPTIONS if key in USUAL | run.config}
    flat = {str(key): value for key, value in pd.json_normalize(chosen).iloc[0].to_dict().items()}
    if "encoder.tune" in flat:
        flat.setdefault("encoder.pairs", LATER_OPTIONS["encoder.pairs"])
    return {key: value for key, value in flat.items() if key not in NO_RESULT_DEPENDS_ON}


def encoder_of(options: dict[str, Any]) -> str | None:
    """Return `minilm (frozen)` from the flat options of a run; None where it has no encoder."""
    if "encoder._target_" not in options:
        return None
    tune = options.get("encoder.tune")
    return encoder_name(options) + (f" ({tune})" if tune else "")


def encoder_name(options: dict[str, Any]) -> str:
    """Return the name of the encoder from the flat options of a run."""
    return options.get("encoder.name") or options["encoder._target_"].rpartition(".")[2].lower()


def refuse_mixtures(runs: Sequence[Run]) -> None:
    """Raise RunError for runs of several corpora, targets, splits or results versions, listing them."""
    corpora: dict[Any, list[str]] = defaultdict(list)
    for run in runs:
        split, target = _split(run), run.config["data"].get("target")
        data, version = run.provenance["data"]["checksum"][:8], run.provenance["results_version"]
        corpus = f"{run.config['data']['name']}{f' {target}' if target else ''}"
        corpora[f"{corpus}, split {split}, data {data}, results version {version}"].append(run.folder.name)
    if len(corpora) > 1:
        shown = [f"{name}: {', '.join(folders[:3])}" for name, folders in corpora.items()]
        raise RunError(
            f"these runs are of {len(corpora)} corpora, splits or versions; compare one at a time\n{listing(shown)}"
        )


def _split(run: Run) -> str:
    """Return the kind of split and its options without the fold, such as `items folds=5, seed=0`."""
    options = {key: value for key, value in run.config["split"].items() if key not in ("_target_", "fold")}
    shown = ", ".join(f"{key}={value}" for key, value in options.items() if value is not None)
    return f"{run.config['split']['_target_'].rpartition('.')[2]} {shown}".strip()
