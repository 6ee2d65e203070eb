"""Compose a configuration from options as typed on the command line."""

from collections.abc import Iterable

from hydra.errors import HydraException
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from perspectives.config.hydra_composition import composed
from perspectives.config.messages import explain
from perspectives.config.overrides import quote_paths
from perspectives.errors import ConfigError


def compose(config_name: str = "train", overrides: Iterable[str] = ()) -> DictConfig:
    """Return the configuration that a command line describes, without the `hydra` node.

    overrides: `group=choice` and `option=value`, as typed. Raises ConfigError with one readable message.
    """
    quoted = quote_paths(overrides)
    try:
        return composed(config_name, quoted)
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigError(explain(error, config_name, quoted)) from error
