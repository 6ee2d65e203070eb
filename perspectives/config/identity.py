"""The part of a configuration that results depend on. It names runs and tells them apart."""

from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

from perspectives.errors import ConfigError

# Options added after the first runs, at the value that changes nothing. With it they do not change the names of runs.
LATER_OPTIONS = {"dynamics": False, "split.stratify": None, "encoder.pairs": "together"}
NO_RESULT_DEPENDS_ON = (
    *("hydra", "paths", "logger", "trainer.progress", "trainer.checkpoint_every", "predictions.max_bytes"),
    "model.max_members",
    # Of the data only the name is kept: the checksum beside the identity tells what was read.
    *("data.card", "data.target", "data.duplicates", "data.reader"),
)


def run_identity(cfg: DictConfig) -> dict[str, Any]:
    """Return the part of a configuration that results depend on, resolved. Runs are named by it.

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
    """Whether results may depend on an option `name=value`, as typed; they do not on places, displays and loggers."""
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
