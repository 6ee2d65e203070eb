"""Look at a corpus without training anything.

perspectives data check data=NAME [OPTION=VALUE ...]      read it, report everything wrong with it, check its files
perspectives data describe data=NAME [OPTION=VALUE ...]   items, annotators, labels, agreement
perspectives data groups data=NAME [--attributes gender]  do groups of annotators agree among themselves?

`data=` may be left out before NAME. Where files are missing, `check` says which ones to put where, and their
source. Otherwise it compares their SHA-256 with the catalogue; the exit code is 1 when one differs.
"""

import argparse
import os
import warnings

import pandas as pd
from omegaconf import DictConfig

from perspectives.config import compose
from perspectives.data.annotations import AnnotationSet
from perspectives.data.load import load
from perspectives.errors import ConfigError, DataWarning
from perspectives.metrics.groups import SMALLEST_GROUP, chosen_attributes, membership
from perspectives.quality.cohesion import PERMUTATIONS, cohesion


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=["check", "describe", "groups"])
    parser.add_argument(
        "overrides",
        nargs="*",
        default=[],  # otherwise argparse calls them required
        metavar="OPTION=VALUE",
        help="options of `perspectives train`, data=… first of all",
    )
    parser.add_argument(
        "--attributes", metavar="NAMES", help="groups: demographic attributes, comma-separated (default: all)"
    )
    parser.add_argument(
        "--permutations",
        type=int,
        metavar="N",
        help=f"groups: of the permutation test, seeded (default: {PERMUTATIONS})",
    )


def main(args: argparse.Namespace) -> int:
    """Returns 0, or 1 when files of a corpus are not those of its card.

    Raises DataError listing all problems of a corpus that cannot be used.
    """
    if args.action != "groups" and (args.attributes, args.permutations) != (None, None):
        raise ConfigError(f"--attributes and --permutations belong to `perspectives data groups`, not {args.action}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)  # they are kept in `notes`
        data = compose(overrides=[word if "=" in word else f"data={word}" for word in args.overrides]).data
        annotations = load(data)
    if args.action == "check":
        print(summary(annotations))
        return _check_files(data)
    if args.action == "groups":
        from perspectives.reports.tables import render_table

        attributes = chosen_attributes(args.attributes or "all", annotations.annotators)
        permutations = PERMUTATIONS if args.permutations is None else args.permutations
        found = cohesion(annotations, attributes, permutations)
        print(render_table(_shown(found), "text", _notes(annotations, found, permutations)))
    else:
        from perspectives.data.description import describe, render

        print(render(describe(annotations)))
    return 0


def _check_files(data: DictConfig) -> int:
    """Print whether the files a corpus was read from are those of its card. Returns the exit code."""
    if data.get("card") is None:
        return 0
    from perspectives.data.catalog import expected, verify

    folder = os.path.expanduser(data.reader.path)
    problems = verify(data.card, folder)
    for problem in problems:
        print(f"  PROBLEM: {problem}")
    if not problems:
        unpublished = [file for file, facts in expected(data.card, folder).items() if facts.sha256 is None]
        known = len(expected(data.card, folder)) - len(unpublished)
        print(f"  files: {known} with the checksum of the catalogue" if known else "  files: none could be verified")
        for file in unpublished:
            print(f"  files: no checksum is published of {file}")
    return int(bool(problems))


def summary(annotations: AnnotationSet) -> str:
    """The verdict on a corpus that can be used, and what was repaired in it."""
    sizes = f"{len(annotations.items)} items, {len(annotations.annotators)} annotators, {len(annotations)} annotations"
    notes = "".join(f"\n  note: {note}" for note in annotations.notes)
    return f"{annotations.name}: {sizes}, each label {annotations.scale.describe()}: usable{notes}"


def _shown(found: pd.DataFrame) -> pd.DataFrame:
    """The table as strings."""
    from perspectives.reports.tables import number

    shown = found.rename(columns={"irr": "IRR", "xrr": "xRR", "gai": "GAI", "p_holm": "p (Holm)"})
    for column in shown.columns[4:]:
        shown[column] = shown[column].map(number)
    return shown.astype({"people": "str", "annotations": "str"}).fillna("–")


def _notes(annotations: AnnotationSet, found: pd.DataFrame, permutations: int) -> list[str]:
    kind = annotations.scale.kind
    unknown = {
        attribute: int((membership(annotations.annotators[attribute]).code < 0).sum())
        for attribute in dict.fromkeys(found["attribute"])
    }
    missing = ", ".join(f"{count} of {attribute}" for attribute, count in unknown.items() if count)
    lines = [
        f"{annotations.name}: IRR is Krippendorff's alpha within the group, xRR agreement with all others ({kind}).",
        "GAI = IRR / xRR: above 1, the group has a perspective of its own; no value where xRR is not above 0.",
        f"p: {permutations:,} random permutations of group labels among the annotators; (Holm): corrected over rows.",
    ]
    tests = int(found["p"].notna().sum())
    if 2 * tests / (permutations + 1) > 0.05:
        lines.append(
            f"{tests} rows cannot come below p (Holm) = .05 with {permutations:,} permutations: "
            f"--permutations {40 * tests:,} or more, or fewer --attributes, could."
        )
    if missing:
        lines.append(f"People of unknown value are left out: {missing}.")
    if found["irr"].isna().any():
        lines.append(f"Groups of fewer than {SMALLEST_GROUP} people have no numbers; these people count among others.")
    return lines
