"""Compare runs of one corpus and split in one table, priors always beside the models.

perspectives compare runs/hs_brexit
perspectives compare RUN RUN my_llm.csv --metrics individual,lewidi2023 --format latex
"""

import argparse
from collections.abc import Sequence

import pandas as pd

from perspectives.comparison import SMALLEST_GROUP, Entry, entries, table
from perspectives.errors import ConfigError
from perspectives.files import write_text
from perspectives.reports.tables import FORMATS, render

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
    parser.add_argument("--format", choices=FORMATS, default="text", help="default: text")
    parser.add_argument("--output", metavar="FILE", help="write the table there instead of printing it")
    parser.add_argument(
        "--figure", metavar="FILE", help="also draw the first metric with its intervals (.png, .svg or .pdf)"
    )


def main(args: argparse.Namespace) -> int:
    found, left_out = entries(args.runs, args.best)
    available = list(dict.fromkeys(metric for entry in found for metric in entry.metrics))
    metrics = chosen(args.metrics, available)
    baseline = _baseline(args.baseline, found)
    long = table(found, baseline, metrics)
    text = render(long, metrics, baseline, args.format, [*notes(long, baseline, unseen_support(found)), *left_out])
    if args.output:
        write_text(args.output, text + "\n")
    else:
        print(text)
    if args.figure:
        from perspectives.reports.figures import comparison

        comparison(long, metrics[0], args.figure)
    return 0


def chosen(names: str | None, available: Sequence[str]) -> list[str]:
    """Metrics named singly or by family; the default selection when none are. Raises ConfigError for an unknown one."""
    if names is None:
        return [metric for metric in DEFAULT_METRICS if metric in available]
    if names == "all":
        return list(available)
    picked: list[str] = []
    for name in names.split(","):
        matching = [metric for metric in available if metric == name or metric.startswith(f"{name}/")]
        if not matching:
            raise ConfigError(f"metric {name!r} is not available here; choose from {', '.join(available)}")
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
    fixed = long.loc[long["metric"].str.startswith("individual/"), "annotators_fixed"]
    if len(fixed) and fixed.all():
        lines.append(f"{first['annotators']} annotators are too few to generalise from: intervals are over items.")
    elif len(fixed):
        lines.append("Individual metrics: intervals are over items and annotators. Other metrics: over items.")
    if baseline is not None:
        lines.append(f"Differences are paired with {baseline}; * p < .05 after Holm's correction over the rows.")
    if (long["kind"] == "oracle").any():
        lines.append(
            "† gives everyone the majority of the judged item's own annotations (of the others' in oracle_others): on "
            "individual and majority metrics what answers without the annotator's id could reach."
        )
    return lines
