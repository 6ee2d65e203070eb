"""Configuration: where `conf/` is, composing it, checking it, and the one place that builds objects from it.

Below the verbs nothing knows about configuration: classes and functions take plain typed keyword arguments.
"""

import copy
import functools
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import hydra
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Quote, QuotedString
from hydra.errors import HydraException, InstantiationException
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

from perspectives.config_checks import labels, target_problems, value_problems
from perspectives.errors import ConfigError, PerspectivesError, listing

VERSION_BASE = "1.3"
NO_CHOICES = {"hydra"}  # folders of conf/ that are not groups people choose from
PATH_OPTIONS = ("path", "dir", "folder", "file", "checkpoint")
# Options that came after the first runs, at the value that changes nothing: they do not change the names of runs.
LATER_OPTIONS = {"dynamics": False, "split.stratify": None, "encoder.pairs": "together"}
TEXT_OPTIONS = ("event", "rule", "composition", "composition.seats", "sweep")
ELEMENT = re.compile(r"""\s*('(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|[^,]*?)\s*,""")  # of a list, quoted or not
NO_RESULT_DEPENDS_ON = (
    *("hydra", "paths", "logger", "trainer.progress", "trainer.checkpoint_every", "predictions.max_bytes"),
    "model.max_members",
    # Of the data, its name stays: the checksum that stands beside the identity says what was read.
    *("data.card", "data.target", "data.duplicates", "data.reader"),
)


# What there is. ----------------------------------------------------------------------------------------------------


@functools.cache
def conf_dir() -> Path:
    """The folder of configurations: beside the package in a clone, inside it in an installed wheel.

    Raises ConfigError when neither is there.
    """
    package = Path(__file__).resolve().parent
    candidates = (package / "conf", package.parent / "conf")
    for folder in candidates:
        if (folder / "train.yaml").is_file():
            return folder
    raise ConfigError(f"no conf/train.yaml in {' or '.join(map(str, candidates))}; install perspectives again")


def groups() -> list[str]:
    """Names of the groups with something to choose, sorted."""
    return sorted(
        path.name
        for path in conf_dir().iterdir()
        if path.is_dir() and path.name not in NO_CHOICES and any(path.rglob("*.yaml"))
    )


def groups_of(config_name: str) -> list[str]:
    """Names of the groups that `conf/<config_name>.yaml` chooses from, sorted."""
    defaults = OmegaConf.select(OmegaConf.load(conf_dir() / f"{config_name}.yaml"), "defaults")
    named = {str(key).removeprefix("optional ") for entry in defaults if isinstance(entry, DictConfig) for key in entry}
    return sorted(named & set(groups()))


def choices(group: str) -> list[str]:
    """What can be chosen in a group, sorted; choices in subfolders with a `/`. Empty for an unknown group."""
    folder = conf_dir() / group
    return sorted(path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.yaml"))


def describe_choice(group: str, name: str) -> str:
    """The first comment line of a choice's file, without `#`; empty without comment. Raises ConfigError for no file."""
    path = conf_dir() / group / f"{name}.yaml"
    if not path.is_file():
        raise ConfigError(f"{group}={name} is not available; choose one of {', '.join(choices(group))}")
    for line in path.read_text(encoding="utf-8").splitlines():
        comment = line.removeprefix("#").strip()
        if line.startswith("#") and comment and not comment.startswith("@package"):
            return comment
    return ""


OmegaConf.register_new_resolver(  # for the help of a verb; see conf/hydra/default.yaml
    "groups_of",
    lambda config_name: "\n".join(f"{group}: {', '.join(choices(group))}" for group in groups_of(config_name)),
    replace=True,
)


# Composing. --------------------------------------------------------------------------------------------------------


def compose(config_name: str = "train", overrides: Iterable[str] = ()) -> DictConfig:
    """The configuration a command line stands for, without Hydra's own part.

    overrides: `group=choice` and `option=value`, as typed. Raises ConfigError with one readable message.
    """
    quoted = quote_paths(overrides)
    try:
        return _compose(config_name, quoted)
    except (HydraException, OmegaConfBaseException) as error:
        from perspectives.config_errors import explain

        raise ConfigError(explain(error, config_name, quoted)) from error


def _compose(config_name: str, overrides: list[str]) -> DictConfig:
    working = GlobalHydra.instance()
    before, working.hydra = working.hydra, None  # a job that Hydra launched may compose, too
    try:
        with hydra.initialize_config_dir(str(conf_dir()), job_name=config_name, version_base=VERSION_BASE):
            return hydra.compose(config_name, overrides)
    finally:
        working.hydra = before


def quote_paths(overrides: Iterable[str], sweep: bool = False) -> list[str]:
    """Overrides whose value is a path, quoted where Hydra would misread it: `~ ( = , #`, accents, numbers.

    An option takes a path when it is called `path`, `dir`, … or lies under `paths.`, or when its value starts like one.
    A leading `~/` becomes the home folder. Flags stay as they are. sweep: a list `a,b` stays one path unless several
    runs are asked for.
    """
    return [_quoted(override, sweep) for override in overrides]


def _quoted(override: str, sweep: bool) -> str:
    key, equals, value = override.partition("=")
    named = key.lstrip("+").startswith("paths.") or key.rpartition(".")[2] in PATH_OPTIONS
    if not equals or key.startswith("-") or not (named or value.startswith(("/", "./", "../", "~/"))):
        return override
    if value == "~" or value.startswith("~/"):
        value = os.path.expanduser(value)
    try:
        parsed = OverridesParser.create().parse_override(f"{key}={value}")
        fine = sweep if parsed.is_sweep_override() else not isinstance(parsed.value(), bool | int | float)
    except HydraException:
        fine = False
    return f"{key}={value if fine else QuotedString(value, Quote.single).with_quotes()}"


def quote_texts(overrides: Iterable[str], sweep: bool = False) -> list[str]:
    """Overrides whose value is in a grammar of our own (events, rules, compositions, pools), quoted for Hydra.

    Lists `[a,b]` stay lists, and what is quoted in them stays as it is. A composition that is no preset becomes
    `composition.seats`. sweep: commas part the values of several runs, except of compositions and sweeps over pools,
    which hold commas themselves.
    """
    return [_quoted_text(override, sweep) for override in overrides]


def _quoted_text(override: str, sweep: bool) -> str:
    key, equals, value = override.partition("=")
    if not equals or key not in TEXT_OPTIONS or value in ("", "null"):
        return override
    if sweep and key in ("event", "rule") and not value.startswith("["):
        return f"{key}={_literals(value)}"
    if value[0] in "\"'":
        return override
    if key == "composition":
        if all(name in choices(key) for name in (value.split(",") if sweep else [value])):
            return override
        key = "composition.seats"
    if value.startswith("[") and value.endswith("]"):
        return f"{key}=[{_literals(value[1:-1])}]"
    return f"{key}={literal(value)}"


def _literals(values: str) -> str:
    """Elements of a list, quoted unless they are; commas within quotes part nothing."""
    return ",".join(one if one[:1] in ("'", '"') else literal(one) for one in ELEMENT.findall(f"{values},"))


def literal(value: str) -> str:
    """A text as an override's value, whatever is in it."""
    return QuotedString(value.strip(), Quote.single).with_quotes()


def options_of_sweeps(overrides: list[str]) -> list[str]:
    """Overrides of a sweep, in which options of a group that is swept wait for its choices.

    Hydra checks all other options against the default choice first, so that `model=jury,jury_id model.rank=8` would be
    refused because the default model has no rank. A sweep over a single value is left for the jobs to apply.
    """
    swept = [key for key, _, value in (arg.partition("=") for arg in overrides) if "," in value and key in groups()]
    return [
        _alone(override) if override.startswith(tuple(f"{key}." for key in swept)) else override
        for override in overrides
    ]


def _alone(override: str) -> str:
    key, _, value = override.partition("=")
    try:
        many = OverridesParser.create().parse_override(override).is_sweep_override()
    except HydraException:
        return override  # reported where overrides are read
    return override if many else f"{key}=choice({value})"


def run_identity(cfg: DictConfig) -> dict[str, Any]:
    """The part of a configuration that results depend on, resolved: what a run is named by.

    Left out are places, displays and loggers, `data.reader.path`, and every option defined through one of `paths`.
    Raises ConfigError when an option cannot be resolved or has no value.
    """
    raw = OmegaConf.to_container(cfg, resolve=False)
    try:
        resolved = OmegaConf.to_container(cfg, resolve=True, throw_on_missing=True)
    except MissingMandatoryValue as error:
        raise ConfigError(f"{error.full_key} has no value; set {error.full_key}=…") from error
    except OmegaConfBaseException as error:
        raise ConfigError(f"{error.full_key}: {str(error).splitlines()[0]}") from error
    identity = _identity(raw, resolved, "")
    return _without_later_options(identity)


def changes_results(option: str) -> bool:
    """Whether results may depend on an option `name=value`, as typed: not on places, displays and loggers."""
    key = option.partition("=")[0].lstrip("+~")
    return key.startswith("data") or not any(f"{key}.".startswith(f"{name}.") for name in NO_RESULT_DEPENDS_ON)


def _without_later_options(identity: dict[str, Any]) -> dict[str, Any]:
    for option, usual in LATER_OPTIONS.items():
        group, _, name = option.rpartition(".")
        part = identity.get(group, {}) if group else identity
        if name in part and part[name] == usual:
            del part[name]
    return identity


def _identity(raw: Any, resolved: Any, key: str) -> Any:
    if not isinstance(resolved, dict):
        return resolved
    kept = {}
    for name, value in resolved.items():
        path = f"{key}.{name}".lstrip(".")
        # A node that is one interpolation (`${model.head}`) has no raw children.
        inner = raw[name] if isinstance(raw, dict) else value
        if path not in NO_RESULT_DEPENDS_ON and not (isinstance(inner, str) and "${paths." in inner):
            kept[name] = _identity(inner, value, path)
    return kept


# Building. ---------------------------------------------------------------------------------------------------------


def instantiate(node: DictConfig | Mapping[str, Any], **extra: Any) -> Any:
    """Build what `node._target_` names, from its options and `extra`; nested `_target_`s first.

    extra: arguments that are not configuration (data, arrays, models), handed over as they are; they win over options
        of the same name. With `_partial_: true` the result is a callable with all of them bound.

    Lists and dicts arrive as plain Python. A `name` of a group that its target does not take only says which choice
    it is (see config_checks.LABELS) and stays behind. Raises ConfigError listing everything that does not fit the
    signatures, before anything is built.
    """
    config = node if isinstance(node, DictConfig) else OmegaConf.create(dict(node))
    if "_target_" not in config:
        raise ConfigError(
            f"{config._get_full_key(None) or 'the configuration'} has no _target_; there is nothing to build"
        )
    _refuse(target_problems(config, extra=extra))
    if unused := labels(config):
        config = copy.deepcopy(config)  # keeps its parent, which interpolations need
        with open_dict(config):
            for key in unused:
                del config[key]
    try:
        # Hydra would turn dataclasses in keyword arguments into configuration: bind them afterwards instead.
        build = hydra.utils.instantiate(config, _partial_=True, _convert_="all")
    except InstantiationException as error:
        if isinstance(error.__cause__, PerspectivesError):
            raise error.__cause__ from None
        raise
    return functools.partial(build, **extra) if config.get("_partial_", False) else build(**extra)


def check_config(cfg: DictConfig, given: Mapping[str, Iterable[str]] | None = None) -> None:
    """Check every `_target_` and every plain option without building anything.

    given: for the path of a node, names its builder deals with: arguments it adds, options that are not the target's.

    Raises ConfigError listing all problems.
    """
    _refuse(target_problems(cfg, below=given) + value_problems(cfg))


def _refuse(problems: list[str]) -> None:
    if problems:
        raise ConfigError(f"the configuration has {len(problems)} problem(s)\n{listing(problems)}")
