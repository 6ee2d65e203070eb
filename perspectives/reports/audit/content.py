"""What an audit's page holds: tables as rows of plain values, and annotations to look at; people are numbers."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from perspectives.data.scale import level_name
from perspectives.metrics.groups import SMALLEST_GROUP
from perspectives.quality.audit.audit import Audit
from perspectives.quality.audit.people import RULE
from perspectives.quality.slips import KINDS
from perspectives.reports.pages.html import packed

MOST_POINTS, MOST_PEOPLE, MOST_ITEMS = 3_000, 1_000, 200
LEARNED = ("mostly right in training", "mostly wrong in training")

# Of each table: its columns, what they are called, and how their values are written (see tables.js).
PEOPLE = {
    "person": ("annotator", "words"), "labels": ("labels", "count"), "agreement": ("agree with others", "number"),
    "kappa": ("beyond chance", "number"), "competence": ("competence", "number"), "low": ("from", "number"),
    "high": ("to", "number"), "most_used": ("mostly says", "words"), "most_used_share": ("share", "number"),
    "entropy": ("entropy", "number"), "self_agreement": ("with themselves", "number"),
    "gold": ("right on gold", "number"),
}  # fmt: skip
COHESION = {
    "attribute": ("attribute", "words"), "group": ("group", "words"), "people": ("people", "count"),
    "annotations": ("annotations", "count"), "irr": ("IRR", "number"), "xrr": ("xRR", "number"),
    "gai": ("GAI", "number"), "p_holm": ("p (Holm)", "number"),
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
    "disagreement": ("disagreement", "number"), "posterior_entropy": ("entropy of truth", "number"),
    "gain": ("gain", "small"), "ask": ("ask", "words"),
}  # fmt: skip
SLIPS = {
    "attribute": ("attribute", "words"), "group": ("group", "words"), "people": ("people", "count"),
    "annotations": ("annotations", "count"), "slips": ("called slips", "share"), "low": ("from", "share"),
    "high": ("to", "share"), "perspectives": ("perspectives", "share"), "planted_found": ("planted found", "share"),
    "planted_auroc": ("planted AUROC", "number"),
}  # fmt: skip


def content(audit: Audit, method: str | None = None, seed: int = 0) -> dict[str, Any]:
    """The page of an audit, as JSON takes it. method: of the run. seed: of the sample of annotations shown.

    At most 3,000 annotations, 1,000 people and 200 items are on it.
    """
    described = audit.description
    chosen = points(audit, seed)
    texts = _texts(audit, chosen)
    tables = {
        "people": table(audit.people.head(MOST_PEOPLE), PEOPLE),
        "cohesion": table(audit.cohesion, COHESION),
        "between": table(audit.between, BETWEEN),
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
        "of": {"people": len(audit.people), "items": len(audit.items), "annotations": _available(audit)},
        "gaps": _records(audit.told.gaps) if audit.told is not None else [],
        "kinds": list(KINDS if audit.told is not None else LEARNED),
        "texts": texts,
        "levels": list(audit.annotations.scale.levels),
        "points": [_plain(value) for value in chosen["said"]],
        "expected": [_plain(value) for value in chosen["expected"]] if audit.told is not None else [],
        "arrays": _arrays(audit, chosen),
    }


def cards(audit: Audit) -> list[tuple[str, str]]:
    """The numbers of the summary: value and what it is of."""
    agreed, load = audit.description.agreement, audit.description.load
    shown = [
        (f"{len(audit.annotations):,}", "annotations"),
        (f"{len(audit.annotations.items):,}", "items"),
        (f"{len(audit.people):,}", "annotators"),
        (f"{load['mean'].iloc[0]:.1f}", "labels per item"),
        (number(agreed.pairwise), "pairs of labels that agree"),
        (number(agreed.alpha), f"Krippendorff’s alpha ({agreed.metric})"),
        (f"{int(audit.people['suspect'].sum()):,}", "annotators suspected of spam"),
    ]
    if audit.told is not None:
        kind = audit.told.annotations["kind"]
        shown += [(f"{int((kind == name).sum()):,}", f"called {name}s, of {len(kind):,}") for name in KINDS[1:]]
        everyone = audit.told.groups.iloc[0]
        shown.append((number(everyone["planted_auroc"]), "AUROC of planted slips"))
    return shown


def number(value: float) -> str:
    """Three decimals; – where it is undefined."""
    return "–" if pd.isna(value) else f"{value:.3f}"


def table(found: pd.DataFrame, columns: Mapping[str, tuple[str, str]]) -> dict[str, Any]:
    """Columns with at least one value, and the rows as plain values."""
    kept = {name: one for name, one in columns.items() if name in found and found[name].notna().any()}
    rows = [[_plain(value) for value in row] for row in found[list(kept)].itertuples(index=False)]
    return {"columns": [{"name": name, "kind": kind} for name, kind in kept.values()], "rows": rows}


# Annotations to look at. -------------------------------------------------------------------------------------------


def points(audit: Audit, seed: int = 0) -> pd.DataFrame:
    """The annotations shown, the most suspicious first: those likeliest to be slips, the perspectives least like what
    others say, and others at random. Without slips, the training units, the least confident first.

    Columns: item, person (0: an item's one label), kind (position in the page's kinds), slip, meant, consensus,
    confidence, variability (nan where unknown), said, expected.
    """
    table = _known(audit)
    if table is None:
        return pd.DataFrame(columns=["item_id", "item", "person", "kind", *NUMBERS, "said", "expected"])
    if audit.told is None:
        table = table.sort_values("confidence", kind="stable", ignore_index=True)
        kept = np.arange(min(len(table), MOST_POINTS // 2))
    else:
        table = table.sort_values("slip", ascending=False, kind="stable", ignore_index=True)
        apart = table.index[table["kind"] == "perspective"]
        apart = apart[np.argsort(table["consensus"].to_numpy()[apart], kind="stable")]
        kept = np.union1d(np.arange(min(len(table), MOST_POINTS // 3)), apart[: MOST_POINTS // 3])
    others = np.setdiff1d(np.arange(len(table)), kept)
    drawn = np.random.default_rng(seed).permutation(others)[: MOST_POINTS - len(kept)]
    shown = table.iloc[np.union1d(kept, drawn)].reset_index(drop=True)
    items = pd.Index(audit.annotations.items["item_id"])
    people = pd.Index(audit.annotations.annotators["annotator_id"])
    kind = shown["kind"].map(KINDS.index) if audit.told is not None else (shown["correctness"] < 0.5).astype(int)
    return shown.assign(
        item=items.get_indexer(shown["item_id"]),
        person=people.get_indexer(shown["annotator_id"]) + 1,
        kind=kind,
        said=shown["label"].map(_label),
    )


NUMBERS = ("slip", "meant", "consensus", "confidence", "variability")


def _known(audit: Audit) -> pd.DataFrame | None:
    """Slips and dynamics side by side, nan where one does not know the annotation."""
    told = None if audit.told is None else audit.told.annotations
    if told is None or audit.dynamics is None:
        only = told if audit.dynamics is None else audit.dynamics
        return None if only is None else only.reindex(columns=[*only.columns, *(n for n in NUMBERS if n not in only)])
    key = [name for name in ("item_id", "annotator_id", "round", "label") if name in told and name in audit.dynamics]
    return told.merge(audit.dynamics[[*key, "confidence", "variability"]], how="left", on=key)


def _available(audit: Audit) -> int:
    table = _known(audit)
    return 0 if table is None else len(table)


def _arrays(audit: Audit, chosen: pd.DataFrame) -> dict[str, Any]:
    shown = chosen["item_id"].unique()
    votes = np.zeros((len(shown), max(len(audit.annotations.scale.levels), 1)), np.uint16)
    if audit.annotations.scale.kind != "interval":
        place = pd.Index(shown).get_indexer(audit.annotations.annotations["item_id"])
        np.add.at(votes, place[place >= 0], audit.annotations.indicator()[place >= 0].astype(np.uint16))
    found = {
        "text": pd.Index(shown).get_indexer(chosen["item_id"]).astype(np.uint32),
        "person": chosen["person"].to_numpy(np.uint32),
        "kind": chosen["kind"].to_numpy(np.uint8),
        "votes": votes,
        **{name: chosen[name].to_numpy(np.float32) for name in NUMBERS},
    }
    return {name: packed(one) for name, one in found.items()}


def _texts(audit: Audit, chosen: pd.DataFrame) -> list[str]:
    items = audit.annotations.items.set_index("item_id")
    return [_text(items, name) for name in chosen["item_id"].unique()]


def _text(items: pd.DataFrame, name: Any) -> str:
    """The text of an item, its two parts on lines of their own; where there is none, its id."""
    row = items.loc[name]
    parts = [row[part] for part in ("text", "text_pair") if part in items and isinstance(row[part], str)]
    return "\n".join(parts) if parts else f"item {level_name(name)}"


def _next(audit: Audit) -> pd.DataFrame:
    first = audit.items.head(MOST_ITEMS)
    items = audit.annotations.items.set_index("item_id")
    given = audit.annotations.annotations
    given = given[given["item_id"].isin(first["item_id"])]
    said = {name: _counted(labels) for name, labels in given.groupby("item_id")["label"]}
    return first.assign(
        text=[_text(items, name) for name in first["item_id"]],
        labels=[said.get(name, "none") for name in first["item_id"]],
        ask=first["ask"].where(first["ask"] != "", None),
    )


def _counted(labels: pd.Series) -> str:
    counts = labels.map(_label).value_counts(sort=False).sort_index()
    return ", ".join(f"{label} × {count}" for label, count in counts.items())


# Plain values. -----------------------------------------------------------------------------------------------------


def _label(label: Any) -> str:
    if isinstance(label, (tuple, list, np.ndarray)):
        return ", ".join(map(str, label)) or "(empty set)"
    return f"{label:g}" if isinstance(label, float) else str(label)


def _records(found: pd.DataFrame) -> Sequence[dict[str, Any]]:
    return [{str(name): _plain(value) for name, value in row.items()} for row in found.to_dict("records")]


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return None if not np.isfinite(value) else round(value, 6)
    return None if value is None or value is pd.NA else value
