"""Export of a trained model as a folder with everything needed to use it and nothing about this machine.

The folder is laid out like a run folder without Predictions, so that the same code reads both.
"""

import pkgutil
import shlex
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import yaml
from omegaconf import OmegaConf

from perspectives.config import PATH_OPTIONS, run_identity
from perspectives.config.checks import trusted_packages
from perspectives.data.schema import Schema
from perspectives.errors import ConfigError, RunError
from perspectives.files import new_folder, read_json, write_json
from perspectives.models.base import AnnotatorModel, Optimization
from perspectives.models.encoder import Encoder
from perspectives.models.ensemble import ONE_ANNOTATOR
from perspectives.models.pretrained import OURS
from perspectives.reports.model_card import Subject, model_card
from perspectives.runs.run import Run

PUBLIC_PROVENANCE = ("started", "commit", "versions", "python", "results_version")
BUILT = ("model", "encoder")  # parts of a configuration whose `_target_` is built when a model is loaded


class Reading(NamedTuple):
    """Columns the model reads (`text` and perhaps `text_pair`), and languages where the corpus names them."""

    texts: tuple[str, ...]
    languages: tuple[str, ...]


def export(
    run: Run,
    model: AnnotatorModel,
    encoder: Encoder,
    folder: Path,
    source: str,
    keep_ids: bool = False,
    encoder_name: str | None = None,
) -> Path:
    """Write the folder that `TrainedModel.save_pretrained` describes. Returns its path.

    source: the name or folder from which others will load the model, for the model card.
    """
    if folder.exists():
        raise RunError(f"{folder} exists; choose another folder, or delete it")
    if run.config["model"].get("target") == ONE_ANNOTATOR:
        raise ConfigError(f"{run.folder} is a member of an ensemble; it models one annotator and is not exported")
    config = public_config(run.config, encoder_name)
    provenance = public_provenance(read_json(run.folder / "provenance.json"))
    inputs = reading(run)
    metrics = {"predictions": run.metrics["predictions"], "temperature": run.metrics.get("temperature", 1.0)}
    metrics |= {"texts": list(inputs.texts), "languages": list(inputs.languages)}
    people = model.schema if keep_ids or "target" in config["model"] else without_ids(model.schema)
    named = people.people != without_ids(people).people
    subject = Subject(source, config, provenance, metrics, people, named, model.blind)
    with new_folder(folder) as partial:
        (partial / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False, allow_unicode=True), "utf-8")
        write_json(partial / "metrics.json", metrics)
        write_json(partial / "provenance.json", provenance)
        people.save(partial / "schema.json")
        shutil.copyfile(run.folder / "model.safetensors", partial / "model.safetensors")
        encoder.save(partial)
        (partial / "README.md").write_text(model_card(subject), "utf-8")
    return folder


def reading(run: Run) -> Reading:
    """The columns and languages recorded in an exported folder, or those of the items in the run's Predictions."""
    if "texts" in run.metrics:
        return Reading(tuple(run.metrics["texts"]), tuple(run.metrics["languages"]))
    items = run.folder / "predictions" / run.config["model"]["name"] / "test" / "items.parquet"
    try:
        table = pd.read_parquet(items)
    except (OSError, ValueError) as error:
        raise RunError(f"{items} is missing or damaged: {error}; delete the run folder and train again") from error
    languages = set(table["language"].dropna().astype("str")) if "language" in table else set()
    return Reading(tuple(c for c in ("text", "text_pair") if c in table), tuple(sorted(languages)))


# Removing ids and places. ------------------------------------------------------------------------------------------


def without_ids(schema: Schema) -> Schema:
    """The schema with annotators renamed annotator-0001, … in the order of their ids, adapted ones adapted-0001, …"""
    return replace(
        schema, annotators=_numbered("annotator", schema.annotators), adapted=_numbered("adapted", schema.adapted)
    )


def _numbered(name: str, ids: Sequence[str]) -> tuple[str, ...]:
    width = max(4, len(str(len(ids))))
    return tuple(f"{name}-{number:0{width}d}" for number in range(1, len(ids) + 1))


def public_config(config: Mapping[str, Any], encoder_name: str | None = None) -> dict[str, Any]:
    """A run's configuration without paths, display options and loggers.

    encoder_name: the public name of an encoder that was loaded from a local folder. Raises ConfigError when it is
        missing for such an encoder, or given for one that others can load anyway.
    """
    kept = run_identity(OmegaConf.create(dict(config)))
    kept["data"] = _without_places(config["data"])
    name = kept["encoder"].get("name")
    if name is not None and name not in OURS and Path(name).expanduser().is_dir():
        if encoder_name is None:
            raise ConfigError(
                f"encoder {name!r} is a folder on this machine, which others cannot load; publish it and give its "
                "name there with encoder='owner/name'"
            )
        kept["encoder"]["name"] = encoder_name
    elif encoder_name not in (None, name):
        raise ConfigError(f"encoder={encoder_name!r} would replace {name!r}, which others can load; leave it out")
    return kept


def public_provenance(provenance: Mapping[str, Any]) -> dict[str, Any]:
    """The provenance a result depends on besides the configuration; the command has its paths removed."""
    kept = {key: provenance[key] for key in PUBLIC_PROVENANCE if key in provenance}
    return kept | {
        "command": public_command(provenance["command"]) if provenance["command"] else None,
        "data": {"checksum": provenance["data"]["checksum"]},
    }


def public_command(command: str) -> str:
    """A command line without the options for paths and loggers; of other options with a path only the name is kept."""
    kept = []
    for word in shlex.split(command):
        name, _, value = word.partition("=")
        if name.lstrip("+").startswith(("paths.", "logger", "hydra.")):
            continue
        kept.append(f"{name}=…" if _is_place(name, value) else word)
    return shlex.join(kept)


def _is_place(name: str, value: Any) -> bool:
    named = name.rpartition(".")[2] in PATH_OPTIONS
    return isinstance(value, str) and bool(value) and (named or value.startswith(("/", "~", "./", "../")))


def _without_places(node: Any) -> Any:
    if not isinstance(node, Mapping):
        return node
    return {name: _without_places(value) for name, value in node.items() if not _is_place(name, value)}


# Checking configurations from elsewhere. ---------------------------------------------------------------------------


def refuse_foreign(config: Any, folder: Path) -> None:
    """Check a configuration that may come from anyone: it may name one model and one encoder of trusted packages.

    Raises ConfigError for anything else that it would call or look up on this machine, for missing parts, and for
    options of another version.
    """
    absent = [part for part in (*BUILT, "optim", "seed") if not isinstance(config, dict) or part not in config]
    if absent or not all(isinstance(config[part], dict) for part in (*BUILT, "optim")):
        missing = ", ".join(absent) or "parts"
        raise ConfigError(f"{folder}/config.yaml does not describe a trained model: {missing} missing")
    for part in BUILT:
        name = str(config[part].get("_target_"))
        if name.partition(".")[0] not in trusted_packages():
            continue  # refused by `instantiate`, whose message also gives the remedy
        try:
            target = pkgutil.resolve_name(name)
        except (ImportError, AttributeError, ValueError) as error:
            raise ConfigError(f"{folder}/config.yaml: {part}._target_ {name} cannot be imported: {error}") from error
        fits = isinstance(target, type) and (issubclass(target, AnnotatorModel) or part != "model")
        if not fits or (part == "encoder" and not hasattr(target, "vectors")):
            kind = {"model": "a model", "encoder": "an encoder"}[part]
            raise ConfigError(f"{folder}/config.yaml: {part}._target_ {name} is not {kind}; the folder is refused")
    options = {field.name for field in fields(Optimization)} - {"annotations_per_batch"}
    if strange := sorted(set(config["optim"]) ^ options):
        raise ConfigError(f"{folder} was trained by another version: optim differs in {strange}; train it again")
    for place, value in _leaves({part: config[part] for part in (*BUILT, "optim", "seed")}):
        nested = place.endswith("._target_") and place.count(".") > 1
        if nested or (isinstance(value, str) and "${" in value):
            raise ConfigError(f"{folder}/config.yaml: {place}={value!r} is not a plain value; the folder is refused")


def _leaves(node: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(node, dict | list):
        pairs = node.items() if isinstance(node, dict) else enumerate(node)
        for key, value in pairs:
            yield from _leaves(value, f"{path}.{key}".lstrip("."))
    else:
        yield path, node
