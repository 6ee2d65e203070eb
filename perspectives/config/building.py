"""Build objects from configurations, after checking these against the signatures of what they build."""

import copy
import functools
from collections.abc import Iterable, Mapping
from typing import Any

import hydra
from hydra.errors import InstantiationException
from omegaconf import DictConfig, OmegaConf, open_dict

from perspectives.config.checks import labels, target_problems, value_problems
from perspectives.errors import ConfigError, PerspectivesError, listing


def instantiate(node: DictConfig | Mapping[str, Any], **extra: Any) -> Any:
    """Build what `node._target_` names from its options and `extra`, nested `_target_`s first.

    extra: arguments that are not configuration (data, arrays, models), passed on unchanged; they win over options of
        the same name. With `_partial_: true` the result is a callable with all of them bound.

    Lists and dicts arrive as plain Python. Options that only describe the choice of a group, such as `name` (see
    `config.checks.LABELS`), are left out where the target does not take them. Raises ConfigError listing everything
    that does not fit the signatures, before anything is built.
    """
    config = node if isinstance(node, DictConfig) else OmegaConf.create(dict(node))
    if "_target_" not in config:
        raise ConfigError(
            f"{config._get_full_key(None) or 'the configuration'} has no _target_; add one that names what to build"
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

    given: for the path of a node, names that its builder handles: arguments it adds, options the target does not take.

    Raises ConfigError listing all problems.
    """
    _refuse(target_problems(cfg, below=given) + value_problems(cfg))


def _refuse(problems: list[str]) -> None:
    if problems:
        raise ConfigError(f"the configuration has {len(problems)} problem(s)\n{listing(problems)}")
