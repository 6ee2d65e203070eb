"""The tables of README.md from what `perspectives jury` wrote: python tables.py FOLDER, with a folder per question."""

import sys
from pathlib import Path

import pandas as pd

from perspectives.reports.juries import pm, share
from perspectives.reports.tables import render_table

HERE = Path(__file__).parent / "tables"


def sweeps(folder: Path) -> pd.DataFrame:
    """One row per sweep."""
    rows = []
    for path in sorted(folder.glob("*/sweep_summary.parquet")):
        for row in pd.read_parquet(path).to_dict("records"):
            half = (row["high"] - row["low"]) / 2
            null = f"{share(row['null'])} ({share(row['null_95'])})" if "null" in row else "–"
            rows.append({
                "sweep": path.parent.name.replace("_", " "), "event": row["event"], "size": str(row["size"]),
                "pools": len(row["pools"].split(", ")), "juries": f"{row['compositions']:,}",
                "items": f"{row['items']:,}",
                "depends on who sits": f"{share(row['dependent'])} ± {share(half)}", "shuffled: mean (95 %)": null,
                "p": f"{row['p']:.2g}" if "p" in row else "–", "sd over seeds": share(row.get("seed_sd", float("nan"))),
                "reversible": share(row["flippable"]),
            })  # fmt: skip
    return pd.DataFrame(rows).astype("str")


def extremes(folder: Path) -> pd.DataFrame:
    """The jury with most flips of each sweep."""
    rows = []
    for path in sorted(folder.glob("*/sweep.parquet")):
        table = pd.read_parquet(path)
        row = table.loc[table["flips"].idxmax()].to_dict()
        rows.append({
            "sweep": path.parent.name.replace("_", " "), "jury with most flips": row["composition"],
            "flips vs population": pm(row, "flips"), "reversed": share(row["reversed"]),
            "flips vs human majority": pm(row, "flips_humans"),
        })  # fmt: skip
    return pd.DataFrame(rows)


def real(folder: Path) -> pd.DataFrame:
    """Predicted juries against juries of real raters."""
    rows = []
    for path in sorted(folder.glob("*/people.parquet")):
        for row in pd.read_parquet(path).to_dict("records"):
            rows.append({
                "corpus": path.parent.name.removesuffix("_real").replace("_", " "), "jurors": str(row["size"]),
                "supported items": share(row["supported"]), "same verdict": pm(row, "agreement"),
                "abs. difference of P": pm(row, "distance"), "correlation": share(row["correlation"]),
                "majority model": pm(row, "agreement_majority"), "gain": pm(row, "gain"),
            })  # fmt: skip
    return pd.DataFrame(rows)


if __name__ == "__main__":
    found = Path(sys.argv[1])
    HERE.mkdir(exist_ok=True)
    for name, table in (("sweeps", sweeps), ("extremes", extremes), ("real", real)):
        (HERE / f"{name}.md").write_text(render_table(table(found), "markdown", []), encoding="utf-8")
