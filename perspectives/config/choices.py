"""What can be chosen: the folder `conf/`, its groups and their choices."""

import functools
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from perspectives.errors import ConfigError

NO_CHOICES = {"hydra"}  # folders of conf/ that are not groups people choose from


@functools.cache
def conf_dir() -> Path:
    """Return the folder of configurations: beside the package in a clone, inside it in an installed wheel.

    Raises ConfigError when neither exists.
    """
    package = Path(__file__).resolve().parents[1]
    candidates = (package / "conf", package.parent / "conf")
    for folder in candidates:
        if (folder / "train.yaml").is_file():
            return folder
    raise ConfigError(f"{' and '.join(map(str, candidates))} have no train.yaml; install perspectives again")


def groups() -> list[str]:
    """Return the names of the groups that have choices, sorted."""
    return sorted(
        path.name
        for path in conf_dir().iterdir()
        if path.is_dir() and path.name not in NO_CHOICES and any(path.rglob("*.yaml"))
    )


def groups_of(config_name: str) -> list[str]:
    """Return the names of the groups that `conf/<config_name>.yaml` chooses from, sorted."""
    defaults = OmegaConf.select(OmegaConf.load(conf_dir() / f"{config_name}.yaml"), "defaults")
    named = {str(key).removeprefix("optional ") for entry in defaults if isinstance(entry, DictConfig) for key in entry}
    return sorted(named & set(groups()))


def choices(group: str) -> list[str]:
    """Return the choices of a group, sorted; those in subfolders contain a `/`. Empty for an unknown group."""
    folder = conf_dir() / group
    return sorted(path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.yaml"))


def describe_choice(group: str, name: str) -> str:
    """Return the first comment line of a choice's file, without `#`; empty where there is none.

    Raises ConfigError for an unknown choice.
    """
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
