"""Tables of results, for the terminal or as CSV, Markdown or LaTeX."""

import io
import textwrap
from collections.abc import Sequence

import pandas as pd

from perspectives.reports.formats import FORMATS as FORMATS

HEADER = 20  # characters of a column's name in a line, on the terminal
STAR = 0.05  # Holm-corrected p below which a difference is marked


CEILINGS = (
    "Panels are finite: a perfect model of each item's rate would still score about {} (an estimate: raters as "
    "independent draws, rates as a Dirichlet fitted to these panels; knowing who rates can do better)."
)


def render(long: pd.DataFrame, metrics: list[str], baseline: str | None, style: str, notes: list[str]) -> str:
    """`long` as `evaluation.tables.table` makes it; `style` one of FORMATS. CSV keeps the long form."""
    if style == "csv":
        return long.to_csv(index=False).rstrip("\n")
    return render_table(_wide(long, metrics, baseline), style, notes)


def render_table(wide: pd.DataFrame, style: str, notes: Sequence[str]) -> str:
    """A table of strings with its notes; `style` is text, markdown or latex."""
    return {"text": _text, "markdown": _markdown, "latex": _latex}[style](wide, list(notes))


def render_groups(long: pd.DataFrame, style: str, notes: Sequence[str]) -> str:
    """`long` as `evaluation.tables.group_table` makes it: per metric and attribute a row per entry, a column per group.

    CSV keeps the long form with every column.
    """
    if style == "csv":
        return long.to_csv(index=False).rstrip("\n")
    parts = [part for _, part in long.groupby(["metric", "attribute"], sort=False)]
    tables = [render_table(_groups_wide(part), style, notes if part is parts[-1] else []) for part in parts]
    return "\n\n".join(table.rstrip("\n") for table in tables)


def _groups_wide(long: pd.DataFrame) -> pd.DataFrame:
    """Strings: support first, then a row per entry; columns are the groups, the worst of them and the gap."""
    groups, names = list(dict.fromkeys(long["group"])), list(dict.fromkeys(long["entry"]))
    support = long.drop_duplicates("group").set_index("group")
    cells = {(row.entry, row.group): "" if row.suppressed else _marked(row, "") for row in long.itertuples()}
    title = f"{long['metric'].iloc[0]} by {long['attribute'].iloc[0]}"
    counts = ("people", "items", "pairs")
    wide = pd.DataFrame({title: [*counts, *(f"{name}{_dagger(long, name)}" for name in names)]})
    for group in groups:
        numbers = [f"{support.loc[group, count]:,}" for count in counts]
        wide[group] = [*numbers, *(cells.get((name, group), "") for name in names)]
    worst = long[long["worst"]].set_index("entry")
    wide["worst"] = [*[""] * len(counts), *(worst["group"].get(name, "–") for name in names)]
    gaps = {row.entry: _marked(row, "gap_") for row in long.itertuples()}
    wide["gap"] = [*[""] * len(counts), *(gaps[name] for name in names)]
    return wide


def _dagger(long: pd.DataFrame, entry: str) -> str:
    return " †" if (long.loc[long["entry"] == entry, "kind"] == "oracle").any() else ""


def _marked(row, prefix: str) -> str:
    """`value ± half interval`, with ‡ where too few people stand behind the interval to generalise from them."""
    value, low, high = row.gap if prefix else row.value, getattr(row, f"{prefix}low"), getattr(row, f"{prefix}high")
    fixed = getattr(row, f"{prefix}annotators_fixed") and pd.notna(high - low)
    return plus_minus(value, low, high) + (" ‡" if fixed else "")


def _wide(long: pd.DataFrame, metrics: list[str], baseline: str | None) -> pd.DataFrame:
    """Strings: a row per entry, a column per metric as `value ± half interval`, then the first one's difference."""
    names = list(dict.fromkeys(long["entry"]))
    cells = {(row.entry, row.metric): _cell(row) for row in long.itertuples()}
    wide = pd.DataFrame({"": names})
    for metric in metrics:
        wide[metric] = [cells.get((name, metric), "") for name in names]
    first = long[long["metric"] == metrics[0]].set_index("entry")
    if baseline is not None and "difference" in long:
        wide[f"{metrics[0].split('/')[1]} − {baseline.split(' ')[0]}"] = [
            _difference(first.loc[name]) if name in first.index else "" for name in names
        ]
    if (long["seeds"] > 1).any():
        wide["sd over seeds"] = [
            "" if name not in first.index or pd.isna(first.loc[name, "seed_sd"]) else number(first.loc[name, "seed_sd"])
            for name in names
        ]
    oracles = set(long.loc[long["kind"] == "oracle", "entry"])
    wide[""] = [f"{name} †" if name in oracles else name for name in names]
    return wide


def number(value: float) -> str:
    """Three decimals, without a zero before the point, or a minus before zero."""
    if pd.isna(value):
        return "–"
    text = f"{value:z.3f}"
    return text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text


def _cell(row) -> str:
    return plus_minus(row.value, row.low, row.high)


def plus_minus(value: float, low: float, high: float) -> str:
    """`value ± half interval`; the value alone where there is no interval."""
    return number(value) if pd.isna(high - low) else f"{number(value)} ± {number((high - low) / 2)}"


def _difference(row: pd.Series) -> str:
    if pd.isna(row["difference"]):
        return ""
    star = "*" if row.get("p_holm", 1.0) < STAR else ""
    sign = "−" if round(row["difference"], 3) < 0 else "+"
    half = (row["difference_high"] - row["difference_low"]) / 2
    return f"{sign}{number(abs(row['difference']))} ± {number(half)}{star}"


def _lines(wide: pd.DataFrame) -> list[list[str]]:
    """The header and the rows."""
    return [list(wide.columns), *wide.to_numpy().tolist()]


def _text(wide: pd.DataFrame, notes: list[str]) -> str:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    grid = Table(box=None, pad_edge=False, header_style="bold", collapse_padding=True)
    for index, column in enumerate(wide.columns):
        broken = "\n".join(textwrap.wrap(column, HEADER, break_long_words=False, break_on_hyphens=False))
        header = Text(broken.replace("/", "/\n"))  # not a str: rich would read a name with [brackets] as markup
        grid.add_column(header, justify="left" if index == 0 else "right", no_wrap=index > 0, overflow="fold")
    for row in wide.to_numpy().tolist():
        grid.add_row(*map(Text, row))
    buffer = io.StringIO()
    console = Console(file=buffer, width=max(120, 20 * len(wide.columns)), color_system=None)
    console.print(grid)
    return "\n".join([*(line.rstrip() for line in buffer.getvalue().splitlines()), "", *notes])


def _markdown(wide: pd.DataFrame, notes: list[str]) -> str:
    rows = [[cell.replace("|", "\\|") for cell in row] for row in _lines(wide)]
    header, *lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([header, "|---" + "|---:" * (len(wide.columns) - 1) + "|", *lines, "", *notes])


LATEX = str.maketrans(
    {character: f"\\{character}" for character in "_%&#${}"}
    | {"\\": r"\textbackslash{}", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}"}
    | {"[": "{[}", "<": "$<$", ">": "$>$", "|": "$|$"}  # a bracket at the beginning of a row would be an argument of \\
    | {"±": r"$\pm$", "−": "$-$", "†": r"$^\dagger$", "‡": r"$^\ddagger$", "–": "--"}
    | {"✓": r"$\checkmark$", "✗": r"$\times$", "≁": r"$\nsim$"}  # amssymb
)


def _latex(wide: pd.DataFrame, notes: list[str]) -> str:
    header, *rows = [" & ".join(cell.translate(LATEX) for cell in row) + r" \\" for row in _lines(wide)]
    lines = [r"\begin{tabular}{l" + "r" * (len(wide.columns) - 1) + "}", r"\toprule", header, r"\midrule", *rows]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", *(f"% {note}" for note in notes)])
