"""`perspectives jury`: what juries of the people in a run's predictions would decide; see conf/jury.yaml."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from omegaconf import DictConfig, OmegaConf

from perspectives.errors import ConfigError
from perspectives.files import new_folder, read_json, write_json
from perspectives.juries.compositions import Composition, Seats
from perspectives.juries.eligibility import ItemBlock, item_blocks
from perspectives.juries.events import Event
from perspectives.juries.real_juries import COMPETENCES, competence
from perspectives.juries.results import JuryResult, Setting, SweepResult, ask_jury, ask_sweep, real_jury_row
from perspectives.juries.rules import TIES, Rule
from perspectives.juries.sweep import sweep_pools
from perspectives.juries.verdicts import Question
from perspectives.predictions import Predictions
from perspectives.reports.juries import report
from perspectives.reports.jury_figures import figure
from perspectives.runs.joined import Joined, joined

VOTES = ("sampled", "hard")


def main(config: DictConfig) -> None:
    if OmegaConf.is_missing(config, "run"):
        raise ConfigError("run is missing; give run=…, a folder of a trained run, a folder above some, or a pattern")
    options: dict[str, Any] = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)  # type: ignore[assignment]
    _refuse_unknown(options)
    print(ask(joined(options["run"]), options))


def ask(runs: Joined, options: dict[str, Any]) -> str:
    """Compute the results, write them into a folder, and return the report. Whatever can be refused is refused before
    anything slow begins."""
    other = None if options["majority"] is None else joined(options["majority"])
    record = _record(options, runs, other)
    folder = _folder(options, runs, record)
    predictions, seeds = runs.mean, list(runs.by_seed.values())
    predictions.answers()
    settings = _settings(options, predictions)
    blocks = item_blocks(predictions, options["eligible"], options["min_training_labels"])
    pools = _pools(options, predictions, blocks)
    juries = [
        ask_jury(
            predictions, seeds, setting, composition, blocks, options["trials"],
            _weights(predictions, setting, options["competence"]), options["seed"], options["shuffles"],
        )
        for setting, composition in _compositions(options, settings)
    ]  # fmt: skip
    real = _real(options, juries, blocks, other)
    sweeps = _sweeps(options, predictions, seeds, settings, pools, blocks)
    _write(folder, record, juries, sweeps, real)
    return report(runs, blocks, juries, sweeps, real, folder)


def _weights(predictions: Predictions, setting: Setting, by: str | None) -> np.ndarray | None:
    return None if by is None else competence(predictions, setting.question.event, by)


def _refuse_unknown(options: dict[str, Any]) -> None:
    """Raises ConfigError for an option whose value is not accepted."""
    for name, accepted in (("votes", VOTES), ("tie", TIES)):
        if options[name] not in accepted:
            raise ConfigError(f"{name}={options[name]} is unknown; choose one of {', '.join(accepted)}")
    if options["competence"] not in (None, *COMPETENCES):
        raise ConfigError(f"competence={options['competence']} is unknown; choose {' or '.join(COMPETENCES)}, or null")
    if not _list(options["size"]):
        raise ConfigError("size=[] is not a size; give a whole number from 1, or a list of them")
    if wrong := [size for size in _list(options["size"]) if not _whole(size, 1)]:
        raise ConfigError(f"size={wrong[0]} is not a size; give a whole number from 1, or a list of them")
    for name, least in (("trials", 1), ("shuffles", 0), ("seed", 0), ("min_training_labels", 0)):
        if not (_whole(options[name], least) or (name == "trials" and options[name] is None)):
            raise ConfigError(f"{name}={options[name]} is not accepted; give a whole number from {least}")
    for name, value in (("sweep", options["sweep"]), ("composition", options["composition"]["seats"])):
        if isinstance(value, list):
            raise ConfigError(f"{name} is a list of {len(value)}; give one at a time")


def _settings(options: dict[str, Any], predictions: Predictions) -> list[Setting]:
    """Every combination of events, rules and sizes."""
    events = [Event.parse(text, predictions.scale) for text in _list(options["event"])]
    rules = [Rule.parse(text) for text in _list(options["rule"])]
    hard, replacement = options["votes"] == "hard", options["replacement"]
    return [
        Setting(Question(event, rule, options["tie"], hard, replacement), size)
        for event, rule, size in product(events, rules, _list(options["size"]))
    ]


def _compositions(options: dict[str, Any], settings: Sequence[Setting]) -> list[tuple[Setting, str]]:
    """The composition in every setting; one that states its seats comes once per question, with its own size."""
    text = str(options["composition"]["seats"])
    if "{attribute}" in text and options["attribute"] is None:
        raise ConfigError(f"composition={options['composition']['name']} needs an attribute; add attribute=…")
    text = text.replace("{attribute}", str(options["attribute"]))
    if "{size}" in text:
        return [(setting, text.replace("{size}", str(setting.size))) for setting in settings]
    jurors = Composition.parse(text).jurors
    return [(setting, text) for setting in dict.fromkeys(replace(setting, size=jurors) for setting in settings)]


def _pools(options: dict[str, Any], predictions: Predictions, blocks: Sequence[ItemBlock]) -> list[Seats]:
    """The pools of the sweep; none without one."""
    if options["sweep"] is None:
        return []
    among = np.any([block.people for block in blocks], 0)
    return sweep_pools(str(options["sweep"]), predictions.annotators, among)


def _sweeps(
    options: dict[str, Any],
    predictions: Predictions,
    seeds: Sequence[Predictions],
    settings: Sequence[Setting],
    pools: Sequence[Seats],
    blocks: Sequence[ItemBlock],
) -> list[SweepResult]:
    if not pools:
        return []
    from tqdm import tqdm

    with tqdm(total=len(settings) * options["shuffles"], desc="null", unit="draw", disable=None) as bar:
        return [
            ask_sweep(predictions, seeds, setting, pools, blocks, options["shuffles"], options["seed"], bar.update)
            for setting in settings
        ]


def _real(
    options: dict[str, Any], juries: Sequence[JuryResult], blocks: Sequence[ItemBlock], other: Joined | None
) -> list[dict[str, object]]:
    """Rows of the comparison with real raters; none unless people=true or majority=… is given."""
    if not options["people"] and other is None:
        return []
    return [real_jury_row(jury, blocks, None if other is None else _majority(other.mean, jury)) for jury in juries]


def _majority(model: Predictions, jury: JuryResult) -> np.ndarray:
    """The verdict of the majority model about each item, int8 [item]."""
    items = jury.predictions.items["item_id"]
    if model.scale != jury.predictions.scale or not items.isin(model.items["item_id"]).all():
        raise ConfigError("majority=… judges other items or labels; give a run of the same corpus, split and folds")
    votes = np.where(jury.setting.question.event.holds(model.labels()), 1, -1)
    return np.sign(pd.Series(votes).groupby(model.pairs["item_id"]).mean().reindex(items).to_numpy()).astype(np.int8)


def _record(options: dict[str, Any], runs: Joined, other: Joined | None) -> dict[str, Any]:
    """What was asked of which runs, without places on this machine: it names the folder of the results."""
    asked = {key: value for key, value in options.items() if key not in ("run", "paths", "output", "majority")}
    asked["composition"] = options["composition"]["seats"]
    majority = None if other is None else [run.folder.name for run in other.runs]
    return {"asked": asked, "runs": [run.folder.name for run in runs.runs], "majority": majority}


def _folder(options: dict[str, Any], runs: Joined, record: dict[str, Any]) -> Path:
    """The folder of the results: `output`, or named by the record. Raises ConfigError when it holds anything else."""
    if options["output"] is None:
        key = hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()[:8]
        return runs.folder / "juries" / f"{runs.name}-{key}"
    folder = Path(options["output"]).expanduser()
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return folder
    if not (folder / "jury.json").exists():
        raise ConfigError(f"output={folder} exists and holds something else; choose a new folder")
    if read_json(folder / "jury.json") != record:
        raise ConfigError(f"output={folder} holds the answer to another question; choose a new folder, or delete it")
    return folder


def _write(
    folder: Path, record: dict[str, Any], juries: Sequence[JuryResult], sweeps: Sequence[SweepResult],
    real: Sequence[dict[str, object]],
) -> None:  # fmt: skip
    with new_folder(folder) as partial:
        pd.concat([jury.items() for jury in juries]).to_parquet(partial / "verdicts.parquet", index=False)
        pd.DataFrame([row for jury in juries for row in jury.rows]).to_parquet(partial / "juries.parquet", index=False)
        if sweeps:
            pd.concat([sweep.items() for sweep in sweeps]).to_parquet(partial / "sweep_items.parquet", index=False)
            rows = [row for sweep in sweeps for row in sweep.rows]
            pd.DataFrame(rows).to_parquet(partial / "sweep.parquet", index=False)
            headlines = pd.DataFrame([sweep.headline for sweep in sweeps])
            headlines.to_parquet(partial / "sweep_summary.parquet", index=False)
        if sweeps and find_spec("matplotlib"):
            for number, sweep in enumerate(sweeps):
                figure(sweep, partial / f"sweep{'' if len(sweeps) == 1 else f'-{number + 1}'}.svg")
        if real:
            pd.DataFrame(real).to_parquet(partial / "people.parquet", index=False)
        write_json(partial / "jury.json", record)


def _whole(value: Any, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
