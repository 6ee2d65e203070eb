"""The report of `perspectives jury` for the terminal: what juries decided, with notes on how to read it."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from perspectives.juries.eligibility import ItemBlock
from perspectives.juries.results import JuryResult, SweepResult
from perspectives.juries.sweep import p_value
from perspectives.reports.tables import number as share
from perspectives.reports.tables import plus_minus, render_table
from perspectives.runs.joined import Joined

MOST_ROWS = 15


def report(
    found: Joined,
    blocks: Sequence[ItemBlock],
    juries: Sequence[JuryResult],
    sweeps: Sequence[SweepResult],
    real: Sequence[dict[str, Any]],
    folder: Path,
) -> str:
    """Tables of the juries, of the comparison with real raters and of the sweeps, then where everything was written."""
    parts = [_heading(found, blocks, juries[0]), render_table(_juries(juries), "text", _notes(juries))]
    if real:
        parts.append(render_table(_people(real), "text", _people_notes(real)))
    for sweep in sweeps:
        parts += [_title(sweep), render_table(_sweep(sweep), "text", _sweep_notes(sweep))]
        parts.append(render_table(_rates(sweep.rates), "text", []))
    if sweeps and not find_spec("matplotlib"):
        parts.append("No figure: matplotlib is not installed; pip install 'perspectives[figures]'")
    return "\n\n".join(part.rstrip("\n") for part in (*parts, str(folder)))


def _heading(found: Joined, blocks: Sequence[ItemBlock], first: JuryResult) -> str:
    predictions, question = first.predictions, first.setting.question
    folds = {run.config["split"].get("fold") for run in found.runs}
    runs = f"{found.name}, {_counted(len(folds), 'fold')}, {_counted(len(found.by_seed), 'seed')}"
    drawn = "with" if question.replacement else "without"
    eligible = np.any([block.people for block in blocks], 0).sum()
    attribute = blocks[0].name.partition("=")[0]
    own = f", each for items of their own {attribute} ({len(blocks)} values)" if attribute else ""
    people = f"{eligible:,} of {len(predictions.annotators):,} people eligible{own}"
    return (
        f"{runs}: {len(predictions.items):,} items, {people}; "
        f"{'hard' if question.hard else 'sampled'} votes, jurors drawn {drawn} replacement, ties {question.tie}"
    )


def _juries(juries: Sequence[JuryResult]) -> pd.DataFrame:
    return pd.DataFrame([_row(row) for jury in juries for row in jury.rows])


def _row(row: dict[str, Any]) -> dict[str, str]:
    what = {"event": row["event"], "rule": row["rule"], "jury": row["composition"], "items": f"{row['items']:,}"}
    shares = {name: share(row[name]) for name in ("p_positive", "positive", "negative", "hung")}
    flips = {"flips vs population": pm(row, "flips"), "reversed": share(row["reversed"])}
    return what | shares | flips | {"flips vs human majority": pm(row, "flips_humans")}


def _notes(juries: Sequence[JuryResult]) -> list[str]:
    lines = [
        "p_positive: mean probability of a positive verdict. positive, negative, hung: shares of items by verdict, the "
        "outcome with probability above 1/2; hung where there is none.",
        "flips: share of items with a different verdict, hung ones included; ± is half a 95 % interval over items. "
        "reversed: share with the opposite verdict.",
        "Against the population jury, of the same model and size, only the composition differs; against the human "
        "majority, on items without a tie, the model's errors count as well.",
    ]
    for jury in juries:
        if without := int(np.isnan(jury.verdicts.positive).sum()):
            lines.append(f"{jury.name}: too few people are eligible for {without:,} items.")
        if jury.seeds:
            lines.append(f"{jury.name}: flips against the population jury by seed {', '.join(map(share, jury.seeds))}.")
        if len(jury.null):
            row, high = jury.rows[-1], np.quantile(jury.null, 0.95)
            chance = p_value(float(row["flips"]), jury.null)  # type: ignore[arg-type]
            lines.append(
                f"{jury.name}: with attributes dealt out at random flips {share(jury.null.mean())} (95 % of "
                f"{len(jury.null)} draws up to {share(high)}); p = {chance:.3g}."
            )
        if jury.swaps is not None:
            verdicts, reversible = (~np.isnan(jury.swaps)).sum(), np.isfinite(jury.swaps)
            often = f" (at the median {np.median(jury.swaps[reversible]):.0f} of them)" if reversible.any() else ""
            lines.append(
                f"{jury.name}: exchanging jurors for other people can reverse {reversible.sum():,} of {verdicts:,} "
                f"verdicts{often}; no smaller exchange does."
            )
        if jury.verdicts.error is not None:
            lines.append(
                f"Drawn at random: standard error of a probability at most {np.nanmax(jury.verdicts.error):.4f}."
            )
    return list(dict.fromkeys(lines))


def _sweep(sweep: SweepResult) -> pd.DataFrame:
    """All juries; where there are many, the proportional one, those from a single pool and those with most flips."""
    compositions = sweep.swept.compositions
    alone = np.flatnonzero(compositions.max(1) == compositions.sum(1))
    most = np.argsort([-float(row["flips"]) for row in sweep.rows], kind="stable")  # type: ignore[arg-type]  # nan last
    proportional = np.flatnonzero((compositions == sweep.start).all(1))
    chosen = list(dict.fromkeys([*proportional, *alone, *most]))
    if len(compositions) <= MOST_ROWS:
        chosen = sorted(chosen)
    shown = pd.DataFrame([_row(sweep.rows[place]) for place in chosen[:MOST_ROWS]])
    attributes = {pool.partition("=")[0] for pool in sweep.swept.pools}
    if len(attributes) == 1:  # the title names it
        shown["jury"] = shown["jury"].str.replace(f" {attributes.pop()}=", " ", regex=False)
    return shown.drop(columns=["event", "rule"])


def _title(sweep: SweepResult) -> str:
    row = sweep.headline
    return f"{row['event']}, {row['rule']} of {row['size']}: juries from {row['pools']}"


def _sweep_notes(sweep: SweepResult) -> list[str]:
    row: dict[str, Any] = sweep.headline
    lines = []
    if row["compositions"] > MOST_ROWS:
        lines.append("Above: the jury in proportion to the pools, those from a single pool, and those with most flips.")
    lines.append(
        f"All {row['compositions']:,} juries: on {plus_minus(row['dependent'], row['low'], row['high'])} "
        f"of {row['items']:,} items at least one of them has a different verdict from the population jury."
    )
    if "p" in row:
        lines.append(
            f"With people dealt out at random to pools of these sizes: {share(row['null'])} (95 % of {row['shuffles']} "
            f"draws up to {share(row['null_95'])}); p = {row['p']:.3g}."
        )
    elif all(pool.members.sum() == 1 for pool in sweep.pools):
        lines.append("Named people have no shuffled null: this is how these people differ, and says nothing of groups.")
    else:
        lines.append("Without a shuffled null (shuffles=0) it is unknown how much of this is chance.")
    if "seed_sd" in row:
        lines.append(f"Standard deviation over {row['seeds']} seeds: {share(row['seed_sd'])}.")
    moves = sweep.moves.moves
    verdicts, reversible = (~np.isnan(moves)).sum(), np.isfinite(moves)
    often = f" (median of seats moved: {np.median(moves[reversible]):g})" if reversible.any() else ""
    lines.append(
        f"From the proportional jury, moving seats reverses {reversible.sum():,} of {verdicts:,} verdicts{often}; no "
        "composition of these pools reverses the others."
    )
    return lines


def _rates(rates: pd.DataFrame) -> pd.DataFrame:
    """The rates as strings; those of fewer than 5 people are withheld, as nan in `rates`."""
    rows = []
    for values in rates.to_dict("records"):
        row = {str(name): value for name, value in values.items()}
        counts = {name: f"{row[name]:,}" for name in ("people", "raters", "pairs")}
        shown = {"predicted rate": share(row["predicted"]), "observed rate": share(row["observed"])}
        rows.append({"pool": row["pool"]} | counts | shown | {"difference": pm(row, "difference")})
    return pd.DataFrame(rows)


def _people(real: Sequence[dict[str, Any]]) -> pd.DataFrame:
    rows = []
    for row in real:
        shown = {
            "event": row["event"],
            "rule": row["rule"],
            "jury": row["composition"],
            "supported": share(row["supported"]),
        }
        shown |= {
            "same verdict": pm(row, "agreement"),
            "|ΔP|": pm(row, "distance"),
            "correlation": share(row["correlation"]),
        }
        if "agreement_majority" in row:
            shown |= {"majority model": pm(row, "agreement_majority"), "gain": pm(row, "gain")}
        rows.append(shown)
    return pd.DataFrame(rows)


def _people_notes(real: Sequence[dict[str, Any]]) -> list[str]:
    lines = [
        "Predicted juries compared with exact juries of the same composition from the item's real raters. supported: "
        "share of items with enough raters. same verdict: share of these with equal verdicts. |ΔP|: mean absolute "
        "difference of P(positive).",
    ]
    if "gain" in real[0]:
        lines.append(
            "majority model: share of items on which its label is the real jury's verdict; it can never be hung."
        )
    return lines


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number > 1)}"


def pm(row: dict[str, Any], name: str) -> str:
    """A value of a row with half its interval, from the columns `name`, `name_low` and `name_high`."""
    return plus_minus(row[name], row[f"{name}_low"], row[f"{name}_high"])
