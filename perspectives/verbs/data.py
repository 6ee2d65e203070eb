"""Look at a corpus without training anything.

perspectives data check data=NAME [OPTION=VALUE ...]      read it, report everything wrong with it
perspectives data describe data=NAME [OPTION=VALUE ...]   items, annotators, labels, agreement
"""

import argparse
import warnings

from perspectives.config import compose
from perspectives.data.annotations import AnnotationSet
from perspectives.data.load import load
from perspectives.errors import DataWarning


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=["check", "describe"])
    parser.add_argument(
        "overrides", nargs="*", metavar="OPTION=VALUE", help="options of `perspectives train`, data=… first of all"
    )


def main(args: argparse.Namespace) -> None:
    """Raises DataError listing all problems of a corpus that cannot be used."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)  # they are kept in `notes`
        annotations = load(compose(overrides=args.overrides).data)
    if args.action == "check":
        print(summary(annotations))
    else:
        from perspectives.data.description import describe, render

        print(render(describe(annotations)))


def summary(annotations: AnnotationSet) -> str:
    """The verdict on a corpus that can be used, and what was repaired in it."""
    sizes = f"{len(annotations.items)} items, {len(annotations.annotators)} annotators, {len(annotations)} annotations"
    notes = "".join(f"\n  note: {note}" for note in annotations.notes)
    return f"{annotations.name}: {sizes}, each label {annotations.scale.describe()}: usable{notes}"
