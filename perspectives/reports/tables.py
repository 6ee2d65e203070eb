"""A comparison as a table: for the terminal, as CSV, Markdown or LaTeX."""

import io

import pandas as pd

FORMATS = ("text", "csv", "markdown", "latex")
STAR = 0.05  # Holm-corrected p below which a difference is marked


def render(long: pd.DataFrame, metrics: list[str], baseline: str | None, style: str, notes: list[str]) -> str:
    """`long` as `comparison.table` makes it; `style` one of FORMATS. CSV keeps the long form with every column."""
    if style == "csv":
        return long.to_csv(index=False).rstrip("\n")
    wide = _wide(long, metrics, baseline)
    return {"text": _text, "markdown": _markdown, "latex": _latex}[style](wide, notes)


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
    """Three decimals, without the zero before the point and without a minus before nothing."""
    if pd.isna(value):
        return "–"
    text = f"{value:z.3f}"
    return text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text


def _cell(row) -> str:
    half = (row.high - row.low) / 2
    return number(row.value) if pd.isna(half) else f"{number(row.value)} ± {number(half)}"


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
        header = Text(column.replace("/", "/\n"))  # as it is: rich would read a name with [brackets] as markup
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
    | {"[": "{[}", "<": "$<$", ">": "$>$", "|": "$|$"}  # a bracket that begins a row would be an argument of \\
    | {"±": r"$\pm$", "−": "$-$", "†": r"$^\dagger$", "–": "--"}
)


def _latex(wide: pd.DataFrame, notes: list[str]) -> str:
    header, *rows = [" & ".join(cell.translate(LATEX) for cell in row) + r" \\" for row in _lines(wide)]
    lines = [r"\begin{tabular}{l" + "r" * (len(wide.columns) - 1) + "}", r"\toprule", header, r"\midrule", *rows]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", *(f"% {note}" for note in notes)])
