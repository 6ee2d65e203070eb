"""The tables of README.md from what `perspectives audit` wrote: no text of a corpus, no id of a person.

python experiments/audit/tables.py FOLDER      (a folder per corpus in FOLDER, as run.sh makes them)
"""

import sys
from pathlib import Path

import pandas as pd

from perspectives.reports.tables import number, render_table

HERE = Path(__file__).parent / "tables"
CORPORA = ("hatecheck", "hs_brexit", "md_agreement", "popquorn_offensiveness")


def read(folder: Path, name: str) -> pd.DataFrame | None:
    path = folder / f"{name}.parquet"
    return pd.read_parquet(path) if path.exists() else None


def overview(folders: list[Path]) -> pd.DataFrame:
    """A row per corpus."""
    rows = []
    for folder in folders:
        people, items = read(folder, "people"), read(folder, "items")
        order = people[["competence", "agreement"]].corr(method="spearman").iloc[0, 1]
        rows.append({
            "corpus": folder.name, "annotations": f"{people['labels'].sum():,}", "items": f"{len(items):,}",
            "annotators": f"{len(people):,}", "agreement with others": number(people["agreement"].mean()),
            "beyond chance: median": number(people["kappa"].median()),
            "competence against agreement": number(order), "suspected": f"{people['suspect'].sum()}",
            "of their labels": number(people.loc[people["suspect"], "labels"].sum() / people["labels"].sum()),
        })  # fmt: skip
    return pd.DataFrame(rows)


def panel(folder: Path) -> pd.DataFrame:
    """A row per annotator of a small corpus, the least like the others first."""
    people = read(folder, "people").dropna(axis="columns", how="all")
    shown = pd.DataFrame(
        {"annotator": people["person"].map("annotator {}".format), "labels": people["labels"].map(str)}
    )
    names = {"agreement": "agreement with others", "kappa": "beyond chance", "competence": "competence"}
    for name, title in ({"gold": "agreement with gold"} | names).items():
        if name in people:
            shown[title] = people[name].map(number)
    shown["its 95 % interval"] = [
        f"{number(a)} to {number(b)}" for a, b in zip(people["low"], people["high"], strict=True)
    ]
    shown["mostly says"] = [
        f"{a} ({number(b)})" for a, b in zip(people["most_used"], people["most_used_share"], strict=True)
    ]
    return shown


def numbers(table: pd.DataFrame, titles: dict[str, str]) -> pd.DataFrame:
    """The named columns as strings."""
    counts = table.select_dtypes("integer").columns
    shown = {
        title: table[name].map("{:,}".format if name in counts else str if table[name].dtype == "str" else number)
        for name, title in titles.items()
    }
    return pd.DataFrame(shown)


SLIPS = {
    "attribute": "attribute", "group": "group", "people": "people", "annotations": "annotations",
    "slips": "called slips", "perspectives": "perspectives", "planted_found": "planted found",
    "planted_auroc": "planted AUROC",
}  # fmt: skip
DRIFT = {
    "field": "field", "value": "value", "annotations": "annotations", "mean": "mean label", "low": "from", "high": "to",
    "pairwise": "agreement", "alpha": "alpha",
}  # fmt: skip


def main(found: Path) -> None:
    made = {"overview": overview([found / name for name in CORPORA])}
    made |= {name: panel(found / name) for name in ("hatecheck", "hs_brexit")}
    made["md_agreement"] = numbers(read(found / "md_agreement", "drift"), DRIFT)
    for name in ("popquorn_offensiveness", "gwsd", "perspective_taking_toxicity"):
        slips = read(found / name, "slips_by_group")
        suspects = read(found / name, "coverage").set_index(["attribute", "group"])["suspects"]
        key = pd.MultiIndex.from_frame(slips[["attribute", "group"]])
        shown = numbers(slips, SLIPS).assign(**{"suspected of spam": suspects.reindex(key).map(number).to_numpy()})
        made[name] = shown[slips["attribute"].isin(["", "gender", "race", "party", "political"])]
    for name, table in made.items():
        (HERE / f"{name}.md").write_text(render_table(table, "markdown", []).rstrip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
