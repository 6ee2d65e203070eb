"""What juries decided, for the terminal."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from perspectives.juries.eligibility import ItemBlock
from perspectives.juries.inquiry import Inquiry, SweepInquiry
from perspectives.juries.sweep import p_value
from perspectives.reports.tables import number as share
from perspectives.reports.tables import plus_minus, render_table
from perspectives.runs.joined import Joined

MOST_ROWS = 15


def report(
    found: Joined,
    blocks: Sequence[ItemBlock],
    juries: Sequence[Inquiry],
    sweeps: Sequence[SweepInquiry],
    real: Sequence[dict[str, Any]],
    folder: Path,
) -> str:
    """Tables of the juries, the comparison with real raters and the sweeps; then where everything was written."""
    parts = [_heading(found, blocks, juries[0]), render_table(_juries(juries), "text", _notes(juries))]
    if real:
        parts.append(render_table(_people(real), "text", _people_notes(real)))
    for one in sweeps:
        parts += [_title(one), render_table(_sweep(one), "text", _sweep_notes(one))]
        parts.append(render_table(_rates(one.rates), "text", []))
    if sweeps and not find_spec("matplotlib"):
        parts.append("No figure: matplotlib is not installed; pip install 'perspectives[figures]'")
    return "\n\n".join(part.rstrip("\n") for part in (*parts, str(folder)))


def _heading(found: Joined, blocks: Sequence[ItemBlock], first: Inquiry) -> str:
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


def _juries(juries: Sequence[Inquiry]) -> pd.DataFrame:
    return pd.DataFrame([_row(row) for one in juries for row in one.rows])


def _row(row: dict[str, Any]) -> dict[str, str]:
    asked = {"event": row["event"], "rule": row["rule"], "jury": row["composition"], "items": f"{row['items']:,}"}
    shares = {name: share(row[name]) for name in ("p_positive", "positive", "negative", "hung")}
    flips = {"flips vs population": pm(row, "flips"), "reversed": share(row["reversed"])}
    return asked | shares | flips | {"flips vs human majority": pm(row, "flips_humans")}


def _notes(juries: Sequence[Inquiry]) -> list[str]:
    lines = [
        "p_positive: mean probability of a positive verdict. positive, negative, hung: shares of items by verdict, the "
        "outcome above 1/2, hung where none is.",
        "flips: share of items with another verdict, hung ones included; ± half a 95 % interval over items. reversed: "
        "with the opposite one.",
        "Against the population jury, of the same model and size, only the composition differs; against the human "
        "majority, on items without a tie, the model's errors count as well.",
    ]
    for one in juries:
        if without := int(np.isnan(one.verdicts.positive).sum()):
            lines.append(f"{one.name}: for {without:,} items too few people are eligible.")
        if one.seeds:
            lines.append(f"{one.name}: flips against the population jury by seed {', '.join(map(share, one.seeds))}.")
        if len(one.null):
            row, high = one.rows[-1], np.quantile(one.null, 0.95)
            chance = p_value(float(row["flips"]), one.null)  # type: ignore[arg-type]
            lines.append(
                f"{one.name}: with attributes dealt out at random flips {share(one.null.mean())} (95 % of "
                f"{len(one.null)} draws up to {share(high)}); p = {chance:.3g}."
            )
        if one.swaps is not None:
            asked, found = (~np.isnan(one.swaps)).sum(), np.isfinite(one.swaps)
            often = f", {np.median(one.swaps[found]):.0f} at the median" if found.any() else ""
            lines.append(
                f"{one.name}: exchanging jurors for others reverses {found.sum():,} of {asked:,} verdicts{often}; "
                "fewer never do."
            )
        if one.verdicts.error is not None:
            lines.append(
                f"Drawn at random: standard error of a probability at most {np.nanmax(one.verdicts.error):.4f}."
            )
    return list(dict.fromkeys(lines))


def _sweep(one: SweepInquiry) -> pd.DataFrame:
    """All juries or, of many, the proportional one, those of one pool alone, and those with most flips."""
    compositions = one.swept.compositions
    alone = np.flatnonzero(compositions.max(1) == compositions.sum(1))
    most = np.argsort([-float(row["flips"]) for row in one.rows], kind="stable")  # type: ignore[arg-type]
    chosen = list(dict.fromkeys([*np.flatnonzero((compositions == one.start).all(1)), *alone, *most]))  # nan comes last
    if len(compositions) <= MOST_ROWS:
        chosen = sorted(chosen)
    shown = pd.DataFrame([_row(one.rows[place]) for place in chosen[:MOST_ROWS]])
    attributes = {pool.partition("=")[0] for pool in one.swept.pools}
    if len(attributes) == 1:  # the title names it
        shown["jury"] = shown["jury"].str.replace(f" {attributes.pop()}=", " ", regex=False)
    return shown.drop(columns=["event", "rule"])


def _title(one: SweepInquiry) -> str:
    row = one.headline
    return f"{row['event']}, {row['rule']} of {row['size']}: juries from {row['pools']}"


def _sweep_notes(one: SweepInquiry) -> list[str]:
    row: dict[str, Any] = one.headline
    lines = []
    if row["compositions"] > MOST_ROWS:
        lines.append(
            "Above: the jury in proportion to the pools, those from one pool alone, and those with most flips."
        )
    lines.append(
        f"All {row['compositions']:,} juries: on {plus_minus(row['dependent'], row['low'], row['high'])} "
        f"of {row['items']:,} items one of them or more has another verdict than the population jury."
    )
    if "p" in row:
        lines.append(
            f"With people dealt out at random to pools of these sizes: {share(row['null'])} (95 % of {row['shuffles']} "
            f"draws up to {share(row['null_95'])}); p = {row['p']:.3g}."
        )
    elif all(pool.members.sum() == 1 for pool in one.pools):
        lines.append("Named people have no shuffled null: this says how these people differ, nothing about groups.")
    else:
        lines.append("Without a shuffled null (shuffles=0) nobody knows how much of this is chance.")
    if "seed_sd" in row:
        lines.append(f"Standard deviation over {row['seeds']} seeds: {share(row['seed_sd'])}.")
    moves = one.moves.moves
    asked, found = (~np.isnan(moves)).sum(), np.isfinite(moves)
    often = f" (median of seats moved: {np.median(moves[found]):g})" if found.any() else ""
    lines.append(
        f"From the proportional jury, moving seats reverses {found.sum():,} of {asked:,} verdicts{often}; no "
        "composition of these pools reverses the others."
    )
    return lines


def _rates(rates: pd.DataFrame) -> pd.DataFrame:
    """Rates of fewer than 5 people are withheld: nan in `rates`."""
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
        "Predicted juries against exact juries of the same composition from the item's real raters. supported: share "
        "of items with enough raters. same verdict: share of these with equal verdicts. |ΔP|: mean absolute difference "
        "of P(positive).",
    ]
    if "gain" in real[0]:
        lines.append("majority model: share on which its label is the real jury's verdict; it can never be hung.")
    return lines


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number > 1)}"


def pm(row: dict[str, Any], name: str) -> str:
    """A column of a row with its interval."""
    return plus_minus(row[name], row[f"{name}_low"], row[f"{name}_high"])
