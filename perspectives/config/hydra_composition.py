"""Hydra's composition, for code that handles the errors of Hydra and OmegaConf itself."""

import hydra
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig

from perspectives.config.choices import conf_dir

VERSION_BASE = "1.3"


def composed(config_name: str, overrides: list[str]) -> DictConfig:
    """Return the configuration of options. Raises the errors of Hydra and OmegaConf unchanged."""
    working = GlobalHydra.instance()
    before, working.hydra = working.hydra, None  # a job that Hydra launched may compose as well
    try:
        with hydra.initialize_config_dir(str(conf_dir()), job_name=config_name, version_base=VERSION_BASE):
            return hydra.compose(config_name, overrides)
    finally:
        working.hydra = before
