"""What can be chosen on the command line: the groups of the configuration and the choices in each.

perspectives list              everything
perspectives list model data   some groups
"""

import argparse
import difflib

from rich.console import Console
from rich.table import Table

from perspectives.config import choices, describe_choice, groups
from perspectives.errors import ConfigError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "groups", nargs="*", metavar="GROUP", help=f"one of {', '.join(groups())}; all of them by default"
    )


def main(args: argparse.Namespace) -> None:
    for group in args.groups:
        if group not in groups():
            close = difflib.get_close_matches(group, groups(), n=1)
            hint = f"did you mean {close[0]}? " if close else ""
            raise ConfigError(f"there is no group {group!r}; {hint}choose from {', '.join(groups())}")
    Console(markup=False, highlight=False).print(table(args.groups or groups()))


def table(names: list[str]) -> Table:
    """One row per choice, as it is typed on the command line."""
    result = Table("choice", "what it is", box=None, padding=(0, 2, 0, 0))
    for group in names:
        for name in choices(group):
            result.add_row(f"{group}={name}", describe_choice(group, name))
        result.add_section()
    return result
