"""What an audit's page holds: tables as rows of plain values, and annotations to look at; people are numbers."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from perspectives.metrics.groups import SMALLEST_GROUP
from perspectives.quality.audit.audit import Audit
from perspectives.quality.audit.items import to_ask
from perspectives.quality.audit.people import RULE
from perspectives.quality.slips import KINDS
from perspectives.reports.audit.annotations import arrays, kinds, known, points, texts, written
from perspectives.reports.tables import number

MOST_PEOPLE, MOST_ITEMS = 1_000, 200

# Of each table: its columns, what they are called, and how their values are written (see tables.js).
PEOPLE = {
    "person": ("annotator", "words"), "labels": ("labels", "count"), "agreement": ("agree with others", "number"),
    "distance": ("distance to others", "number"), "kappa": ("beyond chance", "number"),
    "competence": ("competence", "number"), "low": ("from", "number"), "high": ("to", "number"),
    "most_used": ("mostly says", "words"), "most_used_share": ("share", "number"),
    "entropy": ("entropy", "number"), "self_agreement": ("with themselves", "number"),
    "gold": ("right on gold", "number"),
}  # fmt: skip
EVIDENCE = {  # of suspicion, beside the selected annotator
    "shared": ("labels beside other people’s", "count"), "z": ("z of agreement with all others", "number"),
    "group_z": ("highest z with a group of their own", "number"), "groups": ("groups compared with", "count"),
}  # fmt: skip
LEVELS = {"level": ("level", "words"), "alpha": ("alpha", "number")}
PAIRS = {
    "person": ("annotator", "words"), "other": ("and annotator", "words"), "units": ("items of both", "count"),
    "agreement": ("agreement", "number"), "kappa": ("Cohen’s kappa", "number"),
}  # fmt: skip
COHESION = {
    "attribute": ("attribute", "words"), "group": ("group", "words"), "people": ("people", "count"),
    "annotations": ("annotations", "count"), "pairwise": ("agreement", "number"), "irr": ("IRR", "number"),
    "xrr": ("xRR", "number"), "gai": ("GAI", "number"), "p_holm": ("p (Holm)", "number"),
}  # fmt: skip
BETWEEN = {
    "attribute": ("attribute", "words"), "group": ("group", "words"), "other": ("with", "words"),
    "pairwise": ("agreement", "number"), "xrr": ("xRR", "number"),
}  # fmt: skip
COVERAGE = {
    "attribute": ("attribute", "words"), "group": ("group", "words"), "people": ("people", "count"),
    "share_of_people": ("of people", "share"), "share_of_annotations": ("of annotations", "share"),
    "items": ("items covered", "share"), "suspects": ("suspected of spam", "share"),
}  # fmt: skip
DRIFT = {
    "field": ("field", "words"), "value": ("value", "words"), "annotations": ("annotations", "count"),
    "items": ("items", "count"), "annotators": ("annotators", "count"), "mean": ("mean label", "number"),
    "low": ("from", "number"), "high": ("to", "number"), "pairwise": ("agreement", "number"),
    "alpha": ("alpha", "number"),
}  # fmt: skip
NEXT = {
    "text": ("item", "text"), "raters": ("raters", "count"), "labels": ("labels so far", "words"),
    "disagreement": ("disagreement", "number"), "predicted": ("predicted", "number"),
    "inferred": ("inferred", "words"), "probability": ("probability", "number"),
    "posterior_entropy": ("entropy of truth", "number"), "gain": ("gain", "small"), "lacking": ("lacking", "share"),
    "ask": ("ask", "words"),
}  # fmt: skip
SLIPS = {
    "attribute": ("attribute", "words"), "group": ("group", "words"), "people": ("people", "count"),
    "annotations": ("annotations", "count"), "slips": ("called slips", "share"), "low": ("from", "share"),
    "high": ("to", "share"), "perspectives": ("perspectives", "share"), "unclear": ("unclear", "share"),
    "planted_found": ("planted found", "share"), "planted_auroc": ("planted AUROC", "number"),
}  # fmt: skip


def content(audit: Audit, method: str | None = None, seed: int = 0) -> dict[str, Any]:
    """The page of an audit, as JSON takes it. method: of the run. seed: of the sample of annotations shown.

    At most 3,000 annotations, 1,000 people and 200 items are on it.
    """
    described, chosen, names = audit.description, points(audit, seed), kinds(audit)
    everything = np.bincount(known(audit)["kind"].to_numpy(int), minlength=len(names)).tolist()
    ratings = audit.annotations.scale.kind == "interval"
    of_groups = ["group_z", "groups"] if audit.coverage.empty else []  # of which nothing may be said then
    tables = {
        "people": table(audit.people.head(MOST_PEOPLE), PEOPLE),
        "evidence": table(audit.people.head(MOST_PEOPLE).drop(columns=of_groups), EVIDENCE),
        "levels": table(audit.agreement[audit.agreement["level"] != ""], LEVELS),
        "pairs": table(audit.pairs, PAIRS),
        "cohesion": table(_cohesion(audit), COHESION),
        "between": table(audit.between.drop(columns="pairwise" if ratings else [], errors="ignore"), BETWEEN),
        "coverage": table(audit.coverage, COVERAGE),
        "drift": table(audit.drift, DRIFT),
        "next": table(_next(audit), NEXT),
        "slips": table(pd.DataFrame() if audit.told is None else audit.told.groups, SLIPS),
    }
    return {
        "name": described.name,
        "scale": described.scale,
        "method": method,
        "cards": cards(audit),
        "notes": audit.notes,
        "rule": RULE,
        "smallest": SMALLEST_GROUP,
        "labels": _records(described.labels),
        "counts": _records(described.counts),
        "load": _records(described.load),
        "tables": {name: one for name, one in tables.items() if one["rows"]},
        "suspects": audit.people.head(MOST_PEOPLE)["suspect"].tolist(),
        "of": {"people": len(audit.people), "items": len(audit.items), "kinds": everything},
        "gaps": _records(audit.told.gaps) if audit.told is not None else [],
        "told": audit.told is not None,
        "kinds": names,
        "texts": texts(audit.annotations, chosen["item_id"].drop_duplicates()),
        "levels": list(audit.annotations.scale.levels),
        "points": [_plain(value) for value in chosen["said"]],
        "expected": _columns(chosen, ["likeliest", "expected", "expected_of"]) if audit.told is not None else [],
        "arrays": arrays(audit.annotations, chosen),
    }


def cards(audit: Audit) -> list[tuple[str, str]]:
    """The numbers of the summary: value and what it is of."""
    agreed, load = audit.description.agreement, audit.description.load
    shown = [
        (f"{len(audit.annotations):,}", "annotations"),
        (f"{len(audit.annotations.items):,}", "items"),
        (f"{len(audit.people):,}", "annotators"),
        (f"{load['mean'].iloc[0]:.1f}", "labels per item"),
        (number(audit.agreement["pairwise"].iloc[0]), "pairs of labels that agree"),
        (number(agreed.alpha), f"Krippendorff’s alpha ({agreed.metric})"),
        (f"{int(audit.people['suspect'].sum()):,}", "annotators suspected of spam"),
    ]
    if audit.told is not None:
        kind = audit.told.annotations["kind"]
        shown += [(f"{int((kind == name).sum()):,}", f"called {name}, of {len(kind):,}") for name in KINDS[1:]]
        everyone = audit.told.groups.iloc[0]
        shown.append((number(everyone["planted_auroc"]), "AUROC of planted slips"))
    return [card for card in shown if card[0] != "–"]


def table(found: pd.DataFrame, columns: Mapping[str, tuple[str, str]]) -> dict[str, Any]:
    """Columns with at least one value, and the rows as plain values."""
    there = (found.notna() & (found != "")).any()
    kept = {name: one for name, one in columns.items() if there.get(name, False)}
    rows = [[_plain(value) for value in row] for row in found[list(kept)].itertuples(index=False)]
    return {"columns": [{"name": name, "kind": kind} for name, kind in kept.values()], "rows": rows}


def _cohesion(audit: Audit) -> pd.DataFrame:
    """Cohesion of groups beside their raw agreement."""
    key = ["attribute", "group"]
    return audit.cohesion.merge(audit.agreement[[*key, "pairwise"]], how="left", on=key)


def _next(audit: Audit) -> pd.DataFrame:
    first = to_ask(audit.items).head(MOST_ITEMS)
    given = audit.annotations.annotations
    suspects = audit.people.loc[audit.people["suspect"], "annotator_id"]
    given = given[given["item_id"].isin(first["item_id"]) & ~given["annotator_id"].isin(suspects)]
    said = {name: _counted(labels) for name, labels in given.groupby("item_id")["label"]}
    return first.assign(
        text=texts(audit.annotations, first["item_id"]),
        labels=[said.get(name, "none") for name in first["item_id"]],
    )


def _counted(labels: pd.Series) -> str:
    counts = labels.map(written).value_counts(sort=False).sort_index()
    return ", ".join(f"{label} × {count}" for label, count in counts.items())


# Plain values. -----------------------------------------------------------------------------------------------------


def _records(found: pd.DataFrame) -> Sequence[dict[str, Any]]:
    return [{str(name): _plain(value) for name, value in row.items()} for row in found.to_dict("records")]


def _columns(found: pd.DataFrame, names: list[str]) -> list[list[Any]]:
    return [[_plain(value) for value in row] for row in found[names].itertuples(index=False)]


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return None if not np.isfinite(value) else round(value, 6)
    return None if value is None or value is pd.NA else value
