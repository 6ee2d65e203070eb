"""Renders a filled table as text, Markdown, LaTeX or CSV, with its notes."""

from collections.abc import Sequence

import pandas as pd

from perspectives.reports.tables import CEILINGS, STAR, number, plus_minus, render_table
from perspectives.reproduction.results import INCOMPARABLE, OUTSIDE, UNVERIFIED, WITHIN, numbers_behind
from perspectives.reproduction.spec import Table

ENDINGS = {"markdown": "md", "latex": "tex", "csv": "csv"}
SIGNS = {WITHIN: "✓", OUTSIDE: "✗", INCOMPARABLE: "≁", UNVERIFIED: "?"}
MEANINGS = {
    WITHIN: "within tolerance of it",
    OUTSIDE: "outside",
    INCOMPARABLE: "not comparable, see below",
    UNVERIFIED: "known at second hand only",
}


def render(table: Table, long: pd.DataFrame, style: str, command: str, about: Sequence[str]) -> str:
    """style: text, markdown, latex, or csv, which keeps the long form. about: lines on how the runs were made."""
    if style == "csv":
        return long.to_csv(index=False).rstrip("\n")
    lines = [*notes(table, long), *about, f"Command: {_code(command, style)}"]
    parts = [part for _, part in long.groupby("metric", sort=False)]
    shown = [
        render_table(_wide(table, part), style, _listed(lines, style) if part is parts[-1] else []) for part in parts
    ]
    return "\n\n".join(one.rstrip("\n") for one in shown)


def _wide(table: Table, part: pd.DataFrame) -> pd.DataFrame:
    """Strings: the cells of one metric."""
    cells = {(line.row, line.column): _cell(line) for line in part.itertuples()}
    wide = pd.DataFrame({str(part["metric"].iloc[0]): list(table.rows)})
    for column in table.columns:
        wide[column] = [cells[row, column] for row in table.rows]
    return wide


def _cell(line) -> str:
    """`.703 ± .049* (.710 ✓)`: ours, whether it differs from the baseline, what is published, and how they compare."""
    ours = plus_minus(line.value, line.low, line.high)
    star = "*" if getattr(line, "p_holm", 1.0) < STAR else ""
    if pd.isna(line.published):
        return ours + star
    return f"{ours}{star} ({number(line.published)}{SIGNS.get(line.mark, '').rjust(2) if line.mark else ''})"


def notes(table: Table, long: pd.DataFrame) -> list[str]:
    """What a reader needs to understand the numbers."""
    lines = [f"{column}: {behind}." for column, behind in numbers_behind(long).items()]
    if long["low"].notna().any():
        lines.append(f"± is half a 95 % interval, over items{_over_annotators(long)}.")
    if len(known := long[long["ceiling"].notna()].drop_duplicates(["column", "metric"])):
        each = zip(known["column"], known["metric"], known["ceiling"].astype(float), strict=True)
        shown = "; ".join(f"{column}, {metric} {number(ceiling)}" for column, metric, ceiling in each)
        lines.append(CEILINGS.format(shown))
    if table.baseline is not None and "p_holm" in long:
        lines.append(
            f"* differs from {table.baseline}, paired, p < .05 after Holm's correction over the metric's cells."
        )
    if long["published"].notna().any():
        signs = [f"{SIGNS[mark]} {MEANINGS[mark]}" for mark in SIGNS if (long["mark"] == mark).any()]
        lines.append("In brackets what others report" + (": " + ", ".join(signs) if signs else "") + ".")
        lines += [f"Reported in: {source}." for source in long.loc[long["source"] != "", "source"].unique()]
    lines += [f"Not comparable: {note}." for note in long.loc[long["note"] != "", "note"].unique()]
    lines += [f"Differs from the paper: {difference}." for difference in table.differs]
    chosen = long[(long["setting"] != "")].drop_duplicates(["row", "column"])
    if len(chosen):
        settings = "; ".join(f"{line.row}, {line.column}: {line.setting}" for line in chosen.itertuples())
        lines.append(f"Chosen on validation: {settings}.")
    return lines + _empty(table, long)


def _empty(table: Table, long: pd.DataFrame) -> list[str]:
    """Lines on which cells have no value and why; columns with the same empty rows share a line."""
    no_value = long.groupby(["row", "column"])["empty"].transform(lambda why: (why != "").all())
    empty = long[no_value].drop_duplicates(["row", "column"])
    alike: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (why, column), cells in empty.groupby(["empty", "column"], sort=False):
        alike.setdefault((str(why), tuple(cells["row"])), []).append(str(column))
    return [
        f"Empty, {'all rows' if len(rows) == len(table.rows) else ', '.join(rows)} of {', '.join(columns)}: "
        f"{why.splitlines()[0].rstrip('.')}."
        for (why, rows), columns in alike.items()
    ]


def _over_annotators(long: pd.DataFrame) -> str:
    """Says which intervals are over annotators: those of pairs, where there are enough people to generalise from."""
    columns = long.loc[long["over_annotators"], "column"].unique()
    if not len(columns):
        return ""
    where = "" if set(long["column"]) == set(columns) else f" of {', '.join(columns)}"
    return f", for individual metrics{where} over annotators as well"


def _code(command: str, style: str) -> str:
    return f"`{command}`" if style == "markdown" else command


def _listed(lines: Sequence[str], style: str) -> list[str]:
    """The lines as a list in Markdown, where they would otherwise run together."""
    return [f"- {line}" for line in lines] if style == "markdown" else list(lines)
