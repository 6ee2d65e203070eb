"""The tables of README.md from what `perspectives audit` wrote: no text of a corpus, no id of a person.

python experiments/audit/tables.py FOLDER      (a folder per corpus in FOLDER, as run.sh makes them)

Intervals are 95 %: of shares of people Wilson's, of means over annotations those of items and, from 20 on, annotators.
"""

import sys
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from shares import average, share, within

from perspectives.config import compose
from perspectives.data.annotations import AnnotationSet
from perspectives.data.load import load
from perspectives.metrics.intervals import FEW_ANNOTATORS
from perspectives.quality.annotator_agreement import raw_agreement
from perspectives.quality.slips import KINDS
from perspectives.reports.tables import number, render_table

HERE = Path(__file__).parent / "tables"
CORPORA = ("hatecheck", "hs_brexit", "md_agreement", "popquorn_offensiveness")
TRAINED = ("popquorn_offensiveness", "gwsd", "perspective_taking_toxicity")
SHOWN = ("", "gender", "race", "party", "political")  # attributes; "" is everyone
DRAWS = 1000  # of annotators
NORMAL = 1.96
MEASURES = ("confidence", "variability", "correctness")  # of training dynamics


def read(folder: Path, name: str) -> pd.DataFrame:
    return pd.read_parquet(folder / f"{name}.parquet")


@cache
def corpus(name: str) -> tuple[AnnotationSet, np.ndarray]:
    """The corpus, and how many of the others agree with each annotation, [annotation]."""
    annotations = load(compose(overrides=[f"data={name}"]).data)
    return annotations, raw_agreement(annotations)


def overview(folders: list[Path]) -> pd.DataFrame:
    """A row per corpus."""
    rows = []
    for folder in folders:
        people, items, (annotations, agreed) = read(folder, "people"), read(folder, "items"), corpus(folder.name)
        suspects = people["suspect"]
        rows.append({
            "corpus": folder.name, "annotations": f"{people['labels'].sum():,}", "items": f"{len(items):,}",
            "annotators": f"{len(people):,}",
            "agreement with others": average(agreed, annotations.item_index, annotations.annotator_index),
            "beyond chance: median": drawn(people, lambda table: table["kappa"].median()),
            "competence against agreement": drawn(people, order),
            "suspected": f"{suspects.sum()}: {share(suspects.sum(), len(people))}",
            "of their labels": number(people.loc[suspects, "labels"].sum() / people["labels"].sum()),
        })  # fmt: skip
    return pd.DataFrame(rows)


def order(people: pd.DataFrame) -> float:
    return people[["competence", "agreement"]].corr(method="spearman").iloc[0, 1]


def drawn(people: pd.DataFrame, statistic) -> str:
    """With its interval over draws of annotators; fewer than 20 are all there are."""
    if len(people) < FEW_ANNOTATORS:
        return number(statistic(people))
    draws = np.random.default_rng(0).integers(0, len(people), (DRAWS, len(people)))
    return within(statistic(people), *np.quantile([statistic(people.iloc[rows]) for rows in draws], [0.025, 0.975]))


def panel(folder: Path) -> pd.DataFrame:
    """A row per annotator of a small corpus, the least like the others first."""
    people, (annotations, agreed) = read(folder, "people").dropna(axis="columns", how="all"), corpus(folder.name)
    shown = pd.DataFrame(
        {"annotator": people["person"].map("annotator {}".format), "labels": people["labels"].map("{:,}".format)}
    )
    if "gold" in people:  # every item of HateCheck has gold
        right = zip(people["gold"] * people["labels"], people["labels"], strict=True)
        shown["agreement with gold"] = [share(round(count), labels) for count, labels in right]
    own = [annotations.annotator_index == person - 1 for person in people["person"]]
    shown["agreement with others"] = [
        average(agreed[rows], annotations.item_index[rows], annotations.annotator_index[rows]) for rows in own
    ]
    shown["beyond chance"] = people["kappa"].map(number)
    limits = zip(people["competence"], people["low"], people["high"], strict=True)
    shown["competence"] = [within(*one) for one in limits]
    said = zip(people["most_used"], people["most_used_share"], strict=True)
    return shown.assign(**{"mostly says": [f"{level} ({number(often)})" for level, often in said]})


def pairs(folder: Path) -> pd.DataFrame:
    """Cohen's kappa of every two annotators, with the interval of Cohen 1960."""
    found = read(folder, "pairs")
    error = np.sqrt(found["agreement"] * (1 - found["agreement"]) / found["units"])
    half = NORMAL * error * (1 - found["kappa"]) / (1 - found["agreement"])  # which is 1 over 1 − chance
    cells = [within(one, one - off, one + off) for one, off in zip(found["kappa"], half, strict=True)]
    wide = found.assign(cell=cells).pivot(index="person", columns="other", values="cell").fillna("")
    wide.columns = [f"annotator {other}" for other in wide.columns]
    wide.insert(0, "", [f"annotator {person}" for person in wide.index])
    return wide


def training(folder: Path) -> pd.DataFrame:
    """The data map by what held-out predictions call an annotation."""
    key = ["item_id", "annotator_id"]
    both = read(folder, "annotations").merge(read(folder, "dynamics"), on=key, suffixes=("", " in training"))
    rows = []
    for kind in KINDS:
        part = both[both["kind"] == kind]
        item, who = (part[name].to_numpy() for name in key)
        cells = {name: average(part[name].to_numpy(), item, who) for name in MEASURES if len(part)}
        rows.append({"called": kind, "annotations": f"{len(part):,}", **cells})
    return pd.DataFrame(rows).fillna("–")


def numbers(table: pd.DataFrame, titles: dict[str, str]) -> pd.DataFrame:
    """The named columns as strings."""
    counts = table.select_dtypes("integer").columns
    shown = {
        title: table[name].map(count if name in counts else str if table[name].dtype == "str" else number)
        for name, title in titles.items()
    }
    return pd.DataFrame(shown)


def count(value) -> str:
    return "–" if pd.isna(value) else f"{value:,}"


SLIPS = {
    "attribute": "attribute", "group": "group", "people": "people", "annotations": "annotations",
    "perspectives": "perspectives", "unclear": "unclear", "planted_found": "planted found",
    "planted_auroc": "planted AUROC",
}  # fmt: skip
DRIFT = {
    "field": "field", "value": "value", "annotations": "annotations", "mean": "mean label", "low": "from", "high": "to",
    "pairwise": "agreement", "alpha": "alpha",
}  # fmt: skip


def by_group(folder: Path) -> pd.DataFrame:
    """Slips, perspectives and suspicion, a row per group."""
    slips, coverage = read(folder, "slips_by_group"), read(folder, "coverage").set_index(["attribute", "group"])
    shown = numbers(slips, SLIPS)
    rates = zip(slips["slips"], slips["low"].clip(lower=0), slips["high"], strict=True)
    shown.insert(4, "called slips", [within(*one) for one in rates])
    asked = coverage.reindex(pd.MultiIndex.from_frame(slips[["attribute", "group"]]))
    suspects = zip(asked["suspects"], asked["people"], strict=True)
    shown["suspected of spam"] = ["–" if np.isnan(one) else share(round(one * of), of) for one, of in suspects]
    return shown[slips["attribute"].isin(SHOWN)]


def main(found: Path) -> None:
    made = {"overview": overview([found / name for name in CORPORA])}
    made |= {name: panel(found / name) for name in ("hatecheck", "hs_brexit")}
    made |= {"hs_brexit_pairs": pairs(found / "hs_brexit"), "hs_brexit_training": training(found / "hs_brexit")}
    made["md_agreement"] = numbers(read(found / "md_agreement", "drift"), DRIFT)
    made |= {name: by_group(found / name) for name in TRAINED}
    for name, table in made.items():
        (HERE / f"{name}.md").write_text(render_table(table, "markdown", []).rstrip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
