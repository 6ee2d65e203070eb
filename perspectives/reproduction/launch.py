"""Jobs handed to a Hydra launcher: one after the other, several at once with joblib, or on a cluster with Slurm."""

import sys
from collections.abc import Callable, Sequence
from typing import Any

import hydra
from hydra._internal.callbacks import Callbacks
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.plugins import Plugins
from hydra.core.utils import JobStatus
from hydra.errors import HydraException
from hydra.types import HydraContext, RunMode
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from perspectives.config import VERSION_BASE, conf_dir
from perspectives.config.messages import explain
from perspectives.errors import ConfigError
from perspectives.training.fit import fit


def launch(
    config_name: str, task: Callable[[DictConfig], Any], jobs: Sequence[Sequence[str]], options: Sequence[str] = ()
) -> list[Exception | None]:
    """Call `task` once per job with the configuration of its overrides. Returns each job's error, or None.

    options: of Hydra itself, such as `hydra/launcher=joblib`. Unlike a sweep of `-m`, any overrides may differ between
    jobs. Raises ConfigError for options that do not exist, KeyboardInterrupt when interrupted.
    """
    try:
        with hydra.initialize_config_dir(str(conf_dir()), job_name=config_name, version_base=VERSION_BASE):
            loader = GlobalHydra.instance().config_loader()
            config = loader.load_configuration(config_name, list(options), RunMode.MULTIRUN)
            launcher = Plugins.instance().instantiate_launcher(
                hydra_context=HydraContext(config_loader=loader, callbacks=Callbacks(config)),
                task_function=task,
                config=config,
            )
            returned = launcher.launch([list(job) for job in jobs], initial_job_idx=0)
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigError(explain(error, config_name, list(options))) from error
    return [done._return_value if done.status is JobStatus.FAILED else None for done in returned]


def train(config: DictConfig) -> None:
    """The job of one training: what `perspectives train` does, silently."""
    before = sys.argv
    # The run records this as its command, and Lightning starts its other processes with it.
    sys.argv = [before[0], "train", *HydraConfig.get().overrides.task]
    try:
        fit(config)
    finally:
        sys.argv = before
