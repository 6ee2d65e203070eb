"""Check that everything a command needs is there, without training. The exit code is 1 when something is missing.

perspectives check [OPTION=VALUE ...]     options of `perspectives train`
"""

import argparse
import importlib.metadata
import importlib.util
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from omegaconf import DictConfig, OmegaConf
from packaging.requirements import Requirement

from perspectives.config import compose
from perspectives.config.checks import target_problems, value_problems
from perspectives.errors import ConfigError, DataWarning, PerspectivesError
from perspectives.training.fit import BUILT_WITH, normalised

# Options that need packages which are not always installed: option, value, package, extra.
EXTRAS = (("encoder.tune", "lora", "peft", "lora"), ("logger.name", "wandb", "wandb", "wandb"))


class Finding(NamedTuple):
    """One line of the report: what was checked, what was found, and whether that is a problem."""

    subject: str
    detail: str
    problem: bool = False


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("overrides", nargs="*", metavar="OPTION=VALUE", help="options of `perspectives train`")


def main(args: argparse.Namespace) -> int:
    found = list(findings(args.overrides))
    for finding in found:
        print(f"{'PROBLEM' if finding.problem else 'ok':<8} {finding.subject:<14} {finding.detail}")
    return int(any(finding.problem for finding in found))


def findings(overrides: list[str]) -> Iterator[Finding]:
    """The findings of every check; those that need a configuration are left out when it cannot be composed."""
    yield from _packages()
    try:
        cfg = normalised(compose(overrides=overrides))
    except ConfigError as error:
        yield Finding("configuration", str(error), problem=True)
        return
    yield from _configuration(cfg)
    yield from _data(cfg)
    yield _encoder(cfg.get("encoder", {}).get("name"))
    yield from _extras(cfg)
    yield _runs(Path(cfg.paths.runs).expanduser())


def _configuration(cfg: DictConfig) -> Iterator[Finding]:
    problems = target_problems(cfg, below=BUILT_WITH) + value_problems(cfg)
    if not problems:
        yield Finding("configuration", "every option fits what it configures")
    for problem in problems:
        yield Finding("configuration", problem, problem=True)


def _data(cfg: DictConfig) -> Iterator[Finding]:
    if OmegaConf.is_missing(cfg.data.reader, "path"):
        return  # a finding of the configuration
    path = cfg.data.reader.get("path")
    if path is None:
        yield Finding("data", f"{cfg.data.name} needs no files")
        return
    folder = Path(path).expanduser()
    if cfg.data.get("card") is None:
        yield _place(folder, cfg.data)
        return
    from perspectives.data.catalog import missing_message, verify

    problems = verify(cfg.data.card, folder)
    if not problems:
        yield Finding("data", f"the files of {cfg.data.name} are those its card names, in {folder}")
    for problem in problems:
        yield Finding("data", problem, problem=True)
    if problems:
        yield Finding("data", missing_message(cfg.data.card, folder), problem=True)


def _place(path: Path, data: DictConfig) -> Finding:
    """The finding on a corpus without a card, which is read unless it would have to be fetched."""
    from perspectives.data.load import load
    from perspectives.inference.hub import is_hub_name

    if path.exists():
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DataWarning)
                return Finding("data", f"{path}: {len(load(data))} usable annotations")
        except PerspectivesError as error:
            return Finding("data", str(error), problem=True)
    if is_hub_name(path) and not path.suffix:
        return Finding("data", f"{path} is not on this machine; taken to be owner/name on the Hub")
    return Finding("data", f"{path} does not exist; set data.reader.path", problem=True)


def _encoder(name: str | None) -> Finding:
    if name in (None, "tiny"):
        return Finding("encoder", "needs no files")
    from huggingface_hub import constants, try_to_load_from_cache

    from perspectives.models.pretrained import locate

    try:
        source = locate(name)
    except ConfigError as error:
        return Finding("encoder", str(error), problem=True)
    if Path(source).is_dir() or isinstance(try_to_load_from_cache(source, "config.json"), str):
        return Finding("encoder", f"{name} is on this machine")
    if constants.HF_HUB_OFFLINE:
        detail = f"{name} is not on this machine and HF_HUB_OFFLINE is set; use encoder=ngrams"
        return Finding("encoder", detail, problem=True)
    return Finding("encoder", f"{name} is not on this machine; the first run fetches it from the Hub")


def _extras(cfg: DictConfig) -> Iterator[Finding]:
    for option, value, package, extra in EXTRAS:
        if OmegaConf.select(cfg, option) == value and importlib.util.find_spec(package) is None:
            yield Finding(
                package, f"{option}={value} needs {package}; pip install 'perspectives[{extra}]'", problem=True
            )


def _runs(folder: Path) -> Finding:
    existing = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    try:
        with tempfile.TemporaryFile(dir=existing):
            return Finding("runs", f"{folder} can be written")
    except OSError as error:
        return Finding("runs", f"{folder} cannot be written: {error.strerror}; set paths.runs", problem=True)


def _packages() -> Iterator[Finding]:
    yield Finding("python", ".".join(map(str, sys.version_info[:3])))
    for line in importlib.metadata.requires("perspectives") or []:
        requirement = Requirement(line)
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            version = importlib.metadata.version(requirement.name)
        except importlib.metadata.PackageNotFoundError:
            yield Finding(requirement.name, f"is not installed; expected {requirement.specifier}", problem=True)
            continue
        fits = requirement.specifier.contains(version, prereleases=True)
        yield Finding(
            requirement.name, version + ("" if fits else f"; expected {requirement.specifier}"), problem=not fits
        )
