"""`perspectives jury`: what juries of the people in a run's predictions would decide; see conf/jury.yaml."""

import hashlib
import json
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from omegaconf import DictConfig, OmegaConf

from perspectives.errors import ConfigError
from perspectives.files import new_folder, write_json
from perspectives.joined import Joined, joined
from perspectives.juries.eligibility import dockets
from perspectives.juries.events import Event
from perspectives.juries.inquiry import Inquiry, Setting, SweepInquiry, inquire, inquire_sweep, real_jury_row
from perspectives.juries.people import competence
from perspectives.juries.rules import TIES, Rule
from perspectives.juries.verdicts import Question
from perspectives.predictions import Predictions
from perspectives.reports.juries import report
from perspectives.reports.jury_figures import figure

VOTES = ("sampled", "hard")


def main(config: DictConfig) -> None:
    options: dict[str, Any] = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)  # type: ignore[assignment]
    found = joined(options["run"])
    print(ask(found, options))


def ask(found: Joined, options: dict[str, Any]) -> str:
    """Answer, write everything into a folder, and return the report."""
    predictions, seeds = found.mean, list(found.by_seed.values())
    predictions.answers()
    settings = _settings(options, predictions)
    bench = dockets(predictions, options["eligible"], options["min_training_labels"])
    juries = [
        inquire(
            predictions, seeds, setting, _composition(options, setting.size), bench, options["trials"],
            competence(predictions, setting.question.event) if options["competence"] else None,
        )
        for setting in settings
    ]  # fmt: skip
    sweeps = _sweeps(options, predictions, seeds, settings, bench)
    people = np.any([docket.people for docket in bench], 0)
    against = _majority(options["majority"], predictions, settings)
    real = [
        real_jury_row(predictions, setting, _composition(options, setting.size), people, verdict)
        for setting, verdict in zip(settings, against, strict=True)
        if options["people"] or options["majority"]
    ]
    folder = _folder(options, found)
    _write(folder, options, found, juries, sweeps, real)
    return report(found, bench, juries, sweeps, real, folder)


def _settings(options: dict[str, Any], predictions: Predictions) -> list[Setting]:
    """Every combination of events, rules and sizes."""
    if options["votes"] not in VOTES:
        raise ConfigError(f"votes={options['votes']} is unknown; choose one of {', '.join(VOTES)}")
    if options["tie"] not in TIES:
        raise ConfigError(f"tie={options['tie']} is unknown; choose one of {', '.join(TIES)}")
    sizes = _list(options["size"])
    if strange := [size for size in sizes if not isinstance(size, int) or size < 1]:
        raise ConfigError(f"size={strange[0]} is no jury; give a whole number from 1, or a list of them")
    events = [Event.parse(text, predictions.scale) for text in _list(options["event"])]
    rules = [Rule.parse(text) for text in _list(options["rule"])]
    hard, replacement = options["votes"] == "hard", options["replacement"]
    return [
        Setting(Question(event, rule, options["tie"], hard, replacement), size)
        for event, rule, size in product(events, rules, sizes)
    ]


def _composition(options: dict[str, Any], size: int) -> str:
    """The composition's text, with the size and attribute that presets leave open."""
    text = str(options["composition"]["seats"])
    if "{attribute}" in text and options["attribute"] is None:
        raise ConfigError(f"composition={options['composition']['name']} needs an attribute; add attribute=gender, …")
    return text.replace("{size}", str(size)).replace("{attribute}", str(options["attribute"]))


def _sweeps(
    options: dict[str, Any],
    predictions: Predictions,
    seeds: Sequence[Predictions],
    settings: Sequence[Setting],
    bench: Any,
) -> list[SweepInquiry]:
    if options["sweep"] is None:
        return []
    from tqdm import tqdm

    with tqdm(total=len(settings) * options["shuffles"], desc="null", unit="draw", disable=None) as bar:
        return [
            inquire_sweep(
                predictions, seeds, setting, options["sweep"], bench, options["shuffles"], options["seed"], bar.update
            )
            for setting in settings
        ]


def _majority(run: Any, predictions: Predictions, settings: Sequence[Setting]) -> list[np.ndarray | None]:
    """The verdict of the majority model about each item, int8 [item], in each setting."""
    if run is None:
        return [None] * len(settings)
    model = joined(run).mean
    if set(predictions.items["item_id"]) - set(model.items["item_id"]):
        raise ConfigError(f"majority={run} judges other items; give a run of the same corpus, split and folds")
    verdicts: list[np.ndarray | None] = []
    for setting in settings:
        holds = np.where(setting.question.event.holds(model.labels()), 1, -1)
        by_item = pd.Series(holds).groupby(model.pairs["item_id"]).mean()
        verdicts.append(np.sign(by_item.reindex(predictions.items["item_id"]).to_numpy()).astype(np.int8))
    return verdicts


def _folder(options: dict[str, Any], found: Joined) -> Path:
    """Named by what was asked of which runs."""
    if options["output"] is not None:
        folder = Path(options["output"]).expanduser()
        if folder.exists() and not (folder / "jury.json").exists():
            raise ConfigError(f"output={folder} exists and holds something else; choose a new folder")
        return folder
    content = json.dumps([_asked(options), [run.folder.name for run in found.runs]], sort_keys=True)
    return found.folder / "juries" / f"{found.name}-{hashlib.sha256(content.encode()).hexdigest()[:8]}"


def _asked(options: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in options.items() if key not in ("run", "paths", "output", "majority")}


def _write(
    folder: Path, options: dict[str, Any], found: Joined, juries: Sequence[Inquiry], sweeps: Sequence[SweepInquiry],
    real: Sequence[dict[str, object]],
) -> None:  # fmt: skip
    with new_folder(folder) as partial:
        pd.concat([one.items() for one in juries]).to_parquet(partial / "verdicts.parquet", index=False)
        pd.DataFrame([row for one in juries for row in one.rows()]).to_parquet(partial / "juries.parquet", index=False)
        if sweeps:
            pd.concat([one.items() for one in sweeps]).to_parquet(partial / "sweep_items.parquet", index=False)
            rows = [row for one in sweeps for row in one.rows()]
            pd.DataFrame(rows).to_parquet(partial / "sweep.parquet", index=False)
            pd.DataFrame([one.headline() for one in sweeps]).to_parquet(partial / "sweep_summary.parquet", index=False)
            for number, one in enumerate(sweeps):
                figure(one, partial / f"sweep{'' if len(sweeps) == 1 else f'-{number + 1}'}.svg")
        if real:
            pd.DataFrame(real).to_parquet(partial / "people.parquet", index=False)
        write_json(partial / "jury.json", {"asked": _asked(options), "runs": [run.folder.name for run in found.runs]})


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
