"""Errors of Hydra and OmegaConf about a command line, as one message that names the option and what to do."""

import difflib
import re
from collections.abc import Iterable

from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from omegaconf import DictConfig, ListConfig
from omegaconf.errors import OmegaConfBaseException

from perspectives.config.choices import choices, groups_of
from perspectives.config.hydra_composition import composed
from perspectives.files import TABLE_SUFFIXES


def explain(error: Exception, config_name: str, overrides: list[str]) -> str:
    """Return one message for an error raised while composing `config_name` with `overrides`."""
    text = str(error) or str(error.__cause__ or "")
    if isinstance(error, OverrideParseException):
        return _unreadable(error.override)
    if isinstance(error, MissingConfigException):
        return _missing_choice(error)
    unknown = re.search(r"Could not (?:override|delete from config\.) '([^']+)'", text)
    if unknown and unknown[1] in map(_key, overrides):
        return _unknown_option(unknown[1], config_name, overrides)
    if several := re.search(
        r"Ambiguous value for argument '(.+)'$|Sweep parameters '(.+)' requires", text, re.MULTILINE
    ):
        return _several_values(several[1] or several[2])
    if "An item is already at" in text:
        return f"{text.splitlines()[0].removesuffix('.')}; leave out the +"
    if isinstance(error, OmegaConfBaseException) and error.full_key:
        return f"{error.full_key}: {text.splitlines()[0]}"
    return text.split("Config search path:")[0].strip()


def _key(override: str) -> str:
    return override.partition("=")[0].lstrip("+~")


def _unreadable(override: str) -> str:
    key = override.partition("=")[0]
    return (
        f"the option {override!r} cannot be parsed; write group=choice or option=value, and quote a value that "
        f"contains any of = , ( ) {{ }} [ ] # & ~ twice: \"{key}='…'\""
    )


def _several_values(override: str) -> str:
    key, _, value = override.partition("=")
    return f"{override} gives several values; add -m to run once for each, or write {key}=[{value}] for one list"


def _missing_choice(error: MissingConfigException) -> str:
    group, _, name = (error.missing_cfg_file or "").partition("/")
    available = choices(group) if group else []
    if not available:
        return str(error).split("Config search path:")[0].split("Search path:")[0].strip()
    if group == "data" and name.endswith(TABLE_SUFFIXES):
        return f"data={name} is a file; to read a table of your own, use data=table data.reader.path={name}"
    close = difflib.get_close_matches(name, available, n=1)
    return f"{group}={name} is not available; {_hint(close)}choose one of {', '.join(available)}"


def _unknown_option(key: str, config_name: str, overrides: list[str]) -> str:
    others = [override for override in overrides if _key(override) != key]
    try:
        cfg = composed(config_name, others)
    except (HydraException, OmegaConfBaseException):
        cfg = composed(config_name, [])
    known = list(dict.fromkeys([*groups_of(config_name), *_keys(cfg)]))
    close = _closest(key, known)
    *parent, _ = key.split(".")
    siblings = [name for name in known if parent and name.split(".")[:-1] == parent]
    offered = f"{'.'.join(parent)} has {', '.join(siblings)}; " if siblings and not close else ""
    return f"there is no option {key}; {_hint(close)}{offered}`perspectives {config_name} --cfg job` prints all options"


def _closest(key: str, known: list[str]) -> list[str]:
    """Return the options most similar to `key`, or those whose last word is: trainer.batch_size for `batch_size`."""
    leaf = key.rpartition(".")[2]
    likeness = {name: difflib.SequenceMatcher(None, key, name).ratio() for name in known}
    best = max(likeness.values())
    if best >= 0.75:
        return [name for name, ratio in likeness.items() if ratio > best - 0.02][:3]
    leaves = difflib.get_close_matches(leaf, [name.rpartition(".")[2] for name in known], n=1, cutoff=0.75)
    return [name for name in known if name.rpartition(".")[2] in leaves][:3]


def _hint(close: list[str]) -> str:
    return f"did you mean {' or '.join(close)}? " if close else ""


def _keys(node: DictConfig | ListConfig, prefix: str = "") -> Iterable[str]:
    """Yield every key of a configuration, groups and options, as typed on the command line."""
    for key, value in node.items_ex(resolve=False) if isinstance(node, DictConfig) else ():
        name = prefix + str(key)
        yield name
        if isinstance(value, DictConfig):
            yield from _keys(value, f"{name}.")
