"""Hydra's own composition, with its own errors."""

import hydra
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig

from perspectives.config.choices import conf_dir

VERSION_BASE = "1.3"


def composed(config_name: str, overrides: list[str]) -> DictConfig:
    """The configuration, or an error of Hydra or OmegaConf as they raise it."""
    working = GlobalHydra.instance()
    before, working.hydra = working.hydra, None  # a job that Hydra launched may compose, too
    try:
        with hydra.initialize_config_dir(str(conf_dir()), job_name=config_name, version_base=VERSION_BASE):
            return hydra.compose(config_name, overrides)
    finally:
        working.hydra = before
