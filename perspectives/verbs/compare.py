"""Compare runs of one corpus and split in one table, priors always beside the models.

perspectives compare runs/hs_brexit
perspectives compare RUN RUN my_llm.csv --metrics individual,lewidi2023 --format latex
perspectives compare RUN RUN --groups gender,age
"""

import argparse
from collections.abc import Sequence

import pandas as pd

from perspectives.data.validation import UNKNOWN
from perspectives.errors import ConfigError
from perspectives.evaluation.comparison import Entry, entries
from perspectives.evaluation.controls import without_control
from perspectives.evaluation.scores import METRICS_OF_PAIRS, panel_ceilings
from perspectives.evaluation.tables import group_table, table
from perspectives.files import write_text
from perspectives.metrics.groups import SMALLEST_GROUP, chosen_attributes
from perspectives.metrics.intervals import FEW_ANNOTATORS
from perspectives.predictions import Predictions
from perspectives.reports.tables import CEILINGS, FORMATS, number, render, render_groups

DEFAULT_METRICS = (
    "individual/macro_f1", "individual/macro_f1_unseen", "individual/mae", "individual/mae_unseen", "majority/macro_f1",
    "soft/cross_entropy", "soft/manhattan", "soft/mae", "disagreement/entropy_pearson",
)  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "runs",
        nargs="+",
        metavar="RUN",
        help="run folders, folders above them, or tables of outside predictions (.csv, .tsv, .jsonl, .parquet)",
    )
    parser.add_argument(
        "--metrics",
        metavar="NAMES",
        help="metrics or families, comma-separated, such as individual,soft/jsd; `all` for all",
    )
    parser.add_argument(
        "--baseline",
        default="majority",
        metavar="NAME",
        help="row the others are compared with, pair by pair (default: majority)",
    )
    parser.add_argument(
        "--best", action="store_true", help="of several configurations of a method keep the best on validation"
    )
    parser.add_argument(
        "--groups",
        metavar="ATTRIBUTES",
        help="score each group of annotators instead: attributes, comma-separated, such as gender,age; `all` for all",
    )
    parser.add_argument("--unknown", action="store_true", help="with --groups: people of unknown value are a group too")
    parser.add_argument("--format", choices=FORMATS, default="text", help="default: text")
    parser.add_argument("--output", metavar="FILE", help="write the table there instead of printing it")
    parser.add_argument(
        "--figure", metavar="FILE", help="also draw the first metric with its intervals (.png, .svg or .pdf)"
    )


def main(args: argparse.Namespace) -> int:
    if args.figure:
        from perspectives.reports.figures import check_figure, comparison

        check_figure(args.figure)
    found, left_out = entries(args.runs, args.best)
    available = list(dict.fromkeys(metric for entry in found for metric in entry.metrics))
    metrics = chosen(args.metrics, available)
    if args.unknown and args.groups is None:
        raise ConfigError("--unknown says whom --groups compares; add --groups ATTRIBUTES")
    baseline = _baseline(args.baseline, found)
    long = table(found, baseline, metrics)
    if args.groups is None:
        bound = ceiling_notes(found[0].evaluations[0].predictions, metrics)
        lines = [*notes(long, baseline, unseen_support(found)), *bound, *control_notes(found), *left_out]
        text = render(long, metrics, baseline, args.format, lines)
    else:
        text = _groups(found, args, metrics, left_out)
    if args.output:
        write_text(args.output, text + "\n")
        print(args.output)
    else:
        print(text)
    if args.figure:
        comparison(long, metrics[0], args.figure)
    return 0


def _groups(found: Sequence[Entry], args: argparse.Namespace, metrics: list[str], left_out: Sequence[str]) -> str:
    """The tables of --groups: of all metrics asked for, or of the first."""
    people = found[0].evaluations[0].predictions
    attributes = chosen_attributes(args.groups, people.annotators)
    long = group_table(found, metrics if args.metrics else metrics[:1], attributes, args.unknown)
    return render_groups(long, args.format, [*group_notes(long, people, attributes, args.unknown), *left_out])


def group_notes(
    long: pd.DataFrame, predictions: Predictions, attributes: Sequence[str], unknown: bool = False
) -> list[str]:
    """What a reader needs to understand scores of groups."""
    lines = ["± is half a 95 % interval; gap is the highest minus the lowest group, above 0 by chance alone."]
    if long.loc[~long["suppressed"], "metric"].str.contains("macro_f1").any():
        lines.append("A group that hardly uses some levels has a lower macro-F1; compare methods within a group first.")
    of_items = ~long["metric"].str.startswith(METRICS_OF_PAIRS)
    if of_items.any():
        lines.append("Metrics of items take each item as the group's own raters labelled it; intervals are over items.")
    if long["annotators_fixed"].any() or long["gap_annotators_fixed"].any():
        lines.append(f"‡ fewer than {FEW_ANNOTATORS} people in a group: the interval is over items, for these people.")
    judging = predictions.annotators["annotator_id"].isin(predictions.pairs["annotator_id"])
    for attribute in attributes:
        part = long[long["attribute"] == attribute]
        small = part[part["suppressed"]].drop_duplicates("group")
        lines += [
            f"{attribute}, {row.group}: not scored; people {row.people}, pairs {row.pairs:,}."
            for row in small.itertuples()
        ]
        if len(part) and part["suppressed"].all():
            lines.append(f"{attribute}: every group is below {SMALLEST_GROUP} people, so nothing is scored.")
        values = predictions.annotators[attribute][judging]
        missing = int((values.isna() | (values.astype(object) == UNKNOWN)).sum())
        if missing and not unknown:
            lines.append(f"{attribute}: {missing} people of unknown value are in no group; --unknown makes them one.")
    return lines


def ceiling_notes(predictions: Predictions, metrics: Sequence[str]) -> list[str]:
    """What the soft metrics would still be for who knows every item's rate; see `evaluation.panel_ceilings`."""
    found = panel_ceilings(predictions, metrics)
    if not found:
        return []
    shown = ", ".join(f"{name} {number(value)}" for name, value in found.items())
    return [CEILINGS.format(shown)]


CONTROLS = {"shuffled_ids": "ids", "shuffled_demographics": "demographics"}


def control_notes(found: Sequence[Entry]) -> list[str]:
    """Which methods may only seem to gain from knowing people."""
    return [
        f"No control beside {', '.join(methods)}: `perspectives train model={methods[0]} control={control}` shows what "
        f"{CONTROLS[control]} that mean nothing would score."
        for control, methods in without_control(found).items()
    ]


def chosen(names: str | None, available: Sequence[str]) -> list[str]:
    """Metrics named singly or by family; the default selection when none are. Raises ConfigError for an unknown one."""
    if names is None:
        return [metric for metric in DEFAULT_METRICS if metric in available]
    if names == "all":
        return list(available)
    picked: list[str] = []
    for name in map(str.strip, names.split(",")):
        matching = [metric for metric in available if metric == name or metric.startswith(f"{name}/")]
        if not matching:
            close = [metric for metric in available if metric.endswith(f"/{name}")]
            hint = f"did you mean {' or '.join(close)}? " if close else ""
            raise ConfigError(f"metric {name!r} is not available here; {hint}choose from {', '.join(available)}")
        picked += matching
    return list(dict.fromkeys(picked))


def _baseline(name: str, found: Sequence[Entry]) -> str | None:
    names = [entry.name for entry in found]
    if name in names:
        return name
    starting = [candidate for candidate in names if candidate.split(" ")[0] == name]
    if starting:
        return starting[0]
    if name != "majority":
        raise ConfigError(f"--baseline {name!r} is none of the rows {', '.join(names)}")
    return None


def unseen_support(found: Sequence[Entry]) -> tuple[int, int] | None:
    """Test pairs of people without training labels, and how many people; None when everybody was seen."""
    pairs = found[0].evaluations[0].predictions.pairs
    unseen = pairs[pairs["training_labels"] == 0]
    return (len(unseen), unseen["annotator_id"].nunique()) if 0 < len(unseen) < len(pairs) else None


def notes(long: pd.DataFrame, baseline: str | None, unseen: tuple[int, int] | None) -> list[str]:
    """What a reader needs to understand the numbers."""
    first = long.iloc[0]
    lines = [
        f"{first['pairs']:,} test pairs of {first['items']:,} items and {first['annotators']:,} annotators, "
        f"{long['folds'].max()} fold(s), up to {long['seeds'].max()} seed(s); ± is half a 95 % interval."
    ]
    if unseen:
        lines.append(
            f"Unseen in training: {unseen[0]:,} pairs of {unseen[1]:,} people; no score below {SMALLEST_GROUP} people."
        )
    if "soft/cross_entropy" in set(long["metric"]):
        lines.append("Cross-entropy clips at 1e-12, so an answer that excludes what happened costs 27.6.")
    fixed = long.loc[long["metric"].str.startswith(METRICS_OF_PAIRS), "annotators_fixed"]
    if len(fixed) and fixed.all():
        lines.append(f"{first['annotators']} annotators are too few to generalise from: intervals are over items.")
    elif len(fixed):
        lines.append("Individual metrics: intervals are over items and annotators. Other metrics: over items.")
    if baseline is None:
        lines.append("No differences: no row is called majority; --baseline NAME takes another.")
    else:
        lines.append(f"Differences are paired with {baseline}; * p < .05 after Holm's correction over the rows.")
    if (long["kind"] == "oracle").any():
        lines.append(
            "† gives everyone the majority of the judged item's own annotations (of the others' in oracle_others): on "
            "individual and majority metrics what answers without the annotator's id could reach."
        )
    return lines
