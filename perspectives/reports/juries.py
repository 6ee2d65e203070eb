"""What juries decided, for the terminal."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from perspectives.joined import Joined
from perspectives.juries.eligibility import Docket
from perspectives.juries.inquiry import Inquiry, SweepInquiry
from perspectives.metrics.groups import SMALLEST_GROUP
from perspectives.reports.tables import render_table

MOST_ROWS = 12


def report(
    found: Joined,
    bench: Sequence[Docket],
    juries: Sequence[Inquiry],
    sweeps: Sequence[SweepInquiry],
    real: Sequence[dict[str, Any]],
    folder: Path,
) -> str:
    """Tables of the juries, the sweeps and the comparison with real raters; then where everything was written."""
    parts = [_heading(found, bench, juries[0]), render_table(_juries(juries), "text", _notes(juries))]
    for one in sweeps:
        parts += [render_table(_sweep(one), "text", _sweep_notes(one)), render_table(_rates(one.rates), "text", [])]
    if real:
        parts.append(render_table(_people(real), "text", _people_notes(real)))
    return "\n\n".join(part.rstrip("\n") for part in (*parts, str(folder)))


def _heading(found: Joined, bench: Sequence[Docket], first: Inquiry) -> str:
    predictions, question = first.predictions, first.setting.question
    folds = {run.config["split"].get("fold") for run in found.runs}
    runs = f"{found.name}, {_counted(len(folds), 'fold')}, {_counted(len(found.by_seed), 'seed')}"
    drawn = "with" if question.replacement else "without"
    eligible = np.any([docket.people for docket in bench], 0).sum()
    return (
        f"{runs}: {len(predictions.items):,} items, {eligible:,} of {len(predictions.annotators):,} people eligible; "
        f"{'hard' if question.hard else 'sampled'} votes, jurors drawn {drawn} replacement, ties {question.tie}"
    )


def _juries(juries: Sequence[Inquiry]) -> pd.DataFrame:
    return pd.DataFrame([_row(row) for one in juries for row in one.rows()])


def _row(row: dict[str, Any]) -> dict[str, str]:
    asked = {"event": row["event"], "rule": row["rule"], "jury": row["composition"], "items": f"{row['items']:,}"}
    shares = {name: share(row[name]) for name in ("p_positive", "positive", "negative", "hung")}
    flips = {"flips vs population": pm(row, "flips"), "flips vs human majority": pm(row, "flips_humans")}
    return asked | shares | flips


def _notes(juries: Sequence[Inquiry]) -> list[str]:
    lines = [
        "p_positive: mean probability of a positive verdict. positive, negative, hung: shares of items by verdict, the "
        "outcome above 1/2, hung where none is. flips: share with another verdict; ± half a 95 % interval over items.",
        "Against the population jury of the same model only the composition differs; against the human majority the "
        "model's errors count as well.",
    ]
    for one in juries:
        if len(one.seeds) > 1:
            values = ", ".join(share(value) for value in one.seeds)
            lines.append(f"{one.composition}: flips against the population jury by seed {values}.")
        if one.verdicts.error is not None:
            lines.append(
                f"Drawn at random: standard error of a probability at most {np.nanmax(one.verdicts.error):.4f}."
            )
    return list(dict.fromkeys(lines))


def _sweep(one: SweepInquiry) -> pd.DataFrame:
    """The proportional jury, the juries of one pool alone, and those with most flips."""
    rows = one.rows()
    compositions = one.swept.compositions
    shown = [int(np.flatnonzero((compositions == one.start).all(1))[0])]
    shown += list(np.flatnonzero(compositions.max(1) == compositions.sum(1)))
    order = sorted(range(len(rows)), key=lambda number: -float(rows[number]["flips"]))  # type: ignore[arg-type]
    shown += order[: max(0, MOST_ROWS - len(set(shown)))] if len(rows) > MOST_ROWS else list(range(len(rows)))
    chosen = list(dict.fromkeys(int(number) for number in shown))[:MOST_ROWS]
    return pd.DataFrame([_row(rows[number]) for number in chosen])


def _sweep_notes(one: SweepInquiry) -> list[str]:
    row = one.headline()
    half = (row["high"] - row["low"]) / 2  # type: ignore[operator]
    lines = [
        f"All {row['compositions']:,} juries of {row['size']} from {row['pools']}: on {share(row['dependent'])} "
        f"± {share(half)} of {row['items']:,} items one of them or more has another verdict than the population jury."
    ]
    if "p" in row:
        lines.append(
            f"With people dealt out at random to pools of these sizes: {share(row['null'])} (95 % of {row['shuffles']} "
            f"draws up to {share(row['null_95'])}); p = {row['p']:.3g}."
        )
    else:
        lines.append("Named people have no shuffled null: this says how these people differ, nothing about groups.")
    if "seed_sd" in row:
        lines.append(f"Standard deviation over {row['seeds']} seeds: {share(row['seed_sd'])}.")
    moves = one.moves.moves
    asked, found = (~np.isnan(moves)).sum(), np.isfinite(moves)
    often = f", with {np.median(moves[found]):.0f} moved seats at the median" if found.any() else ""
    lines.append(
        f"From the proportional jury, moving seats reverses {found.sum():,} of {asked:,} verdicts{often}; no "
        f"composition of these pools reverses the others (all {one.moves.compositions:,} tried)."
    )
    return lines


def _rates(rates: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for values in rates.to_dict("records"):
        row = {str(name): value for name, value in values.items()}
        shown = {"pool": row["pool"], "people": f"{row['people']:,}", "pairs": f"{row['pairs']:,}"}
        if row["people"] >= SMALLEST_GROUP or row["people"] == 1:
            shown |= {"predicted rate": share(row["predicted"]), "observed rate": share(row["observed"])}
            shown |= {"difference": pm(row, "difference")}
        rows.append(shown)
    return pd.DataFrame(rows).fillna("")


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
        "Predicted juries against exact juries of the real raters; supported: share of items with enough raters. "
        "same verdict: share of these with equal verdicts, |ΔP|: mean difference of P(positive)."
    ]
    if "gain" in real[0]:
        lines.append("majority model: share on which its label is the real jury's verdict; it can never be hung.")
    return lines


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number > 1)}"


def share(value: Any) -> str:
    """A number with three decimals, without a leading zero."""
    if value is None or np.isnan(value):
        return "–"
    return f"{value:.3f}".replace("0.", ".", 1) if abs(value) < 1 else f"{value:.3f}"


def pm(row: dict[str, Any], name: str) -> str:
    """value ± half the interval."""
    half = (row[f"{name}_high"] - row[f"{name}_low"]) / 2
    return f"{share(row[name])} ± {share(half)}"
