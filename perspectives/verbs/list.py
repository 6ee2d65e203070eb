"""What can be chosen on the command line, and what the options are.

perspectives list                  all groups of the configuration and the choices in each
perspectives list model data       some groups
perspectives list model=jury       the options of a choice, explained
perspectives list train            the options of a verb that are in no group (train, jury)
"""

import argparse
import difflib

from omegaconf import OmegaConf
from rich.console import Console
from rich.table import Table

from perspectives.config import choices, conf_dir, describe_choice, groups
from perspectives.errors import ConfigError

VERBS = ("train", "jury")  # those with options in a configuration


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "names",
        nargs="*",
        metavar="GROUP | GROUP=CHOICE | VERB",
        help=f"a group is one of {', '.join(groups())}; all of them by default",
    )


def main(args: argparse.Namespace) -> None:
    explained = [name for name in args.names if "=" in name or name in VERBS]
    tabled = [name for name in args.names if name not in explained]
    for name in tabled:
        _check(name, groups(), "group")
    texts = [explanation(name) for name in explained]
    if tabled or not explained:
        Console(markup=False, highlight=False).print(table(tabled or groups()))
    print(*texts, sep="\n", end="")


def table(names: list[str]) -> Table:
    """One row per choice, as it is typed on the command line."""
    result = Table("choice", "what it is", box=None, padding=(0, 2, 0, 0))
    for group in names:
        for name in choices(group):
            result.add_row(f"{group}={name}", describe_choice(group, name))
        result.add_section()
    return result


def explanation(named: str) -> str:
    """The configuration file of `model=jury` or `train`, whose comments explain the options, after those it builds on.

    Raises ConfigError for a group or choice that does not exist.
    """
    group, equals, name = named.partition("=")
    if not equals:
        return (conf_dir() / f"{named}.yaml").read_text(encoding="utf-8")
    _check(group, groups(), "group")
    _check(name, choices(group), f"choice of {group}")
    path = conf_dir() / group / f"{name}.yaml"
    defaults = OmegaConf.select(OmegaConf.load(path), "defaults", default=[])
    beneath = [entry for entry in defaults if entry in choices(group)]
    parts = [*(explanation(f"{group}={entry}") for entry in beneath), path.read_text(encoding="utf-8")]
    return "\n".join(parts)


def _check(name: str, known: list[str], what: str) -> None:
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {close[0]}? " if close else ""
        raise ConfigError(f"there is no {what} {name!r}; {hint}choose from {', '.join(known)}")
