"""LeWiDi-2023 (SemEval-2023 Task 11): HS-Brexit, ArMIS and MD-Agreement as published, one JSON file per split.

Item ids restart in every split, so the split's name goes in front. `official_label` is the published `hard_label`,
`official_soft_label` the published share of label 1, rounded to two decimals as it was published.
Paper: Leonardelli et al. 2023, SemEval-2023 Task 11: Learning With Disagreements.
"""

from pathlib import Path
from typing import Any

import pandas as pd

from perspectives.data.annotations import Tables
from perspectives.data.readers.common import SPLITS, parsing, published_splits
from perspectives.data.scale import Scale
from perspectives.errors import DataError


def read(path: str | Path, corpus: str, target: str | None = None) -> Tables:
    """Read `<corpus>_train.json`, `<corpus>_dev.json` and `<corpus>_test.json` from the folder `path`.

    corpus: name in the file names, for example `HS-Brexit`.
    target: None for the main task; for HS-Brexit also `aggressive language detection` or `offensive language
        detection`, labelled by the same annotators (these have no official label).

    Annotators of HS-Brexit get the attribute `group` (target group or control group), those of ArMIS `group` with
    their self-description. Raises MissingData when no split exists, DataError when a file is malformed.
    """
    annotations: list[dict] = []
    items: list[dict] = []
    groups: dict[str, str] = {}
    for split, file, key, entry in published_splits(path, corpus):
        with parsing(f"{file}: item {key!r}", "a LeWiDi-2023 file"):
            item, rows = _entry(f"{split}-{key}", entry, target)
            groups |= _groups(entry)
        items.append(item | {"split": SPLITS[split]})
        annotations += [row | {"file": file.name, "row": key} for row in rows]
    annotators = pd.DataFrame({"annotator_id": list(groups), "group": list(groups.values())}) if groups else None
    return Tables(pd.DataFrame(annotations), pd.DataFrame(items), annotators, Scale("nominal", ("0", "1")))


def _entry(item_id: str, entry: dict[str, Any], target: str | None) -> tuple[dict, list[dict]]:
    annotators = entry["annotators"].split(",")
    published = entry["annotations"] if target is None else entry["other_info"]["other annotations"][target]
    labels = [
        {"No": "0"}.get(label.strip(), label.strip()) for label in published.split(",")
    ]  # three labels of HS-Brexit are No
    if len(annotators) != len(labels):
        raise DataError(f"item {item_id!r} names {len(annotators)} annotators but {len(labels)} labels")
    item = {"item_id": item_id, "text": entry["text"], "language": entry["lang"]}
    if target is None:
        item["official_label"] = entry["hard_label"]
        item["official_soft_label"] = float(entry["soft_label"]["1"])
    if "domain" in (entry.get("other_info") or {}):
        item["domain"] = entry["other_info"]["domain"]
    pairs = zip(annotators, labels, strict=True)
    return item, [{"item_id": item_id, "annotator_id": who.strip(), "label": label} for who, label in pairs]


def _groups(entry: dict[str, Any]) -> dict[str, str]:
    """Return the group of each annotator of this item, where the corpus publishes one."""
    info = entry.get("other_info") or {}
    annotators = entry["annotators"].split(",")
    if "annotators group" in info:
        members = info["annotators group"].split(",")
        return {who: info[group] for who, group in zip(annotators, members, strict=True)}
    return {who: info[who] for who in annotators if isinstance(info.get(who), str)}
