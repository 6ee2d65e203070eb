"""The annotations on an audit's page: which are shown, and what is known of each."""

from typing import Any

import numpy as np
import pandas as pd

from perspectives.data.annotations import AnnotationSet, annotation_columns
from perspectives.data.scale import level_name
from perspectives.quality.audit.audit import Audit
from perspectives.quality.slips import KINDS
from perspectives.reports.pages.html import packed

MOST = 3_000
LEARNED = ("mostly right in training", "mostly wrong in training")
NUMBERS = ("slip", "meant", "consensus", "loss", "self_influence", "confidence", "variability")


def kinds(audit: Audit) -> list[str]:
    """What annotations are called on the page."""
    return list(LEARNED if audit.told is None else KINDS)


def known(audit: Audit) -> pd.DataFrame:
    """A row per annotation of which the run tells anything; empty without a run.

    Columns: item_id, annotator_id, label; kind (position in `kinds`); slip, meant, consensus, loss (held-out; where
    only training was recorded, at the last visit), self_influence, confidence, variability, nan where unknown;
    likeliest, expected and expected_of with slips.
    """
    if audit.told is None:
        if audit.dynamics is None:
            return pd.DataFrame(columns=["item_id", "annotator_id", "label", "kind", *NUMBERS])
        found = audit.dynamics.assign(kind=(audit.dynamics["correctness"] < 0.5).astype(int))
    else:
        found = audit.told.annotations.assign(kind=audit.told.annotations["kind"].map(KINDS.index))
        if audit.dynamics is not None:
            key = annotation_columns(found, audit.dynamics)
            found = found.merge(audit.dynamics[[*key, "confidence", "variability"]], how="left", on=key)
    return found.reindex(columns=[*found.columns, *(name for name in NUMBERS if name not in found)])


def points(audit: Audit, seed: int = 0) -> pd.DataFrame:
    """At most 3,000 of the annotations: those likeliest to be slips, the perspectives least like what others say, the
    highest losses and self-influences, and others at random. Without slips, the training units, the least confident
    first.

    Columns: those of `known`; item; person (number; 0: an item's one label); said.
    """
    table = known(audit)
    by = "confidence" if audit.told is None else "meant"  # the less likely it is meant, the likelier it is a slip
    table = table.sort_values(by, kind="stable", ignore_index=True)
    if audit.told is None:
        kept = np.arange(min(len(table), MOST // 2))
    else:
        apart = table[table["kind"] == KINDS.index("perspective")].sort_values("consensus", kind="stable").index
        highest = [
            table[name].dropna().sort_values(ascending=False, kind="stable").index[: MOST // 6]
            for name in ("loss", "self_influence")
        ]
        kept = np.unique(np.concatenate([table.index[: MOST // 3], apart[: MOST // 4], *highest]))
    others = np.setdiff1d(np.arange(len(table)), kept)
    drawn = np.random.default_rng(seed).permutation(others)[: MOST - len(kept)]
    shown = table.iloc[np.union1d(kept, drawn)].reset_index(drop=True)
    items = pd.Index(audit.annotations.items["item_id"])
    people = pd.Index(audit.annotations.annotators["annotator_id"])
    return shown.assign(
        item=items.get_indexer(shown["item_id"]),
        person=people.get_indexer(shown["annotator_id"]) + 1,
        said=shown["label"].map(written),
    )


def arrays(annotations: AnnotationSet, chosen: pd.DataFrame) -> dict[str, Any]:
    """What the page knows of each of the chosen annotations, and all labels of each of their items."""
    shown = chosen["item_id"].unique()
    votes = np.zeros((len(shown), max(len(annotations.scale.levels), 1)), np.uint16)
    if annotations.scale.kind != "interval":
        place = pd.Index(shown).get_indexer(annotations.annotations["item_id"])
        np.add.at(votes, place[place >= 0], annotations.indicator()[place >= 0].astype(np.uint16))
    found = {
        "text": pd.Index(shown).get_indexer(chosen["item_id"]).astype(np.uint32),
        "person": chosen["person"].to_numpy(np.uint32),
        "kind": chosen["kind"].to_numpy(np.uint8),
        "votes": votes,
        **{name: chosen[name].to_numpy(np.float32) for name in NUMBERS},
    }
    return {name: packed(one) for name, one in found.items()}


def texts(annotations: AnnotationSet, item_ids: pd.Series) -> list[str]:
    """Text of each item, its two parts on lines of their own; where there is none, its id."""
    items = annotations.items.set_index("item_id")
    return [_text(items.loc[name], name) for name in item_ids]


def _text(row: pd.Series, name: Any) -> str:
    parts = [row[part] for part in ("text", "text_pair") if part in row and isinstance(row[part], str)]
    return "\n".join(parts) if parts else f"item {level_name(name)}"


def written(label: Any) -> str:
    """A label in words."""
    if isinstance(label, (tuple, list, np.ndarray)):
        return ", ".join(map(str, label)) or "(empty set)"
    return f"{label:g}" if isinstance(label, float) else str(label)
