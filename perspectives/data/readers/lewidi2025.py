"""LeWiDi-2025 (third edition): CSC, MP (MultiPICo), Paraphrase and VariErrNLI as published, one JSON file per split.

Annotators are the same people in every split, so their ids stay as they are; item ids are not unique over splits
(VariErrNLI numbers premises), so the split's name goes in front.
Paper: Leonardelli et al. 2025, LeWiDi-2025 at NLPerspectives. Corpora: Jang & Frassinelli 2024 (CSC), Casola et al.
2024 (MultiPICo), Weber-Genzel et al. 2024 (VariErr NLI).
"""

from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from perspectives.data.annotations import Tables
from perspectives.data.readers.common import (
    SPLITS,
    find,
    one_of,
    parsing,
    published_splits,
    read_object,
    shared_context,
    snake_case,
)
from perspectives.data.scale import Scale


class Corpus(NamedTuple):
    """How to read one of the corpora."""

    parts: tuple[str, str]  # keys of the text object, in reading order
    scale: Scale


CORPORA = {
    "CSC": Corpus(("context", "response"), Scale.integers(1, 6)),
    "MP": Corpus(("post", "reply"), Scale("nominal", ("0", "1"))),
    "Paraphrase": Corpus(("Question1", "Question2"), Scale.integers(-5, 5)),
    "VariErrNLI": Corpus(("context", "statement"), Scale("multilabel", ("contradiction", "entailment", "neutral"))),
}
ITEM_ATTRIBUTES = {
    "language_variety": "language_variety",
    "level": "level",
    "source": "source",
    "context+speaker": "context_speaker",
}


def read(path: str | Path, corpus: str) -> Tables:
    """Read those of `<corpus>_{train,dev,test}.json` that exist, and `<corpus>_annotators_meta.json`.

    corpus: `CSC` (sarcasm, ordinal 1..6), `MP` (irony, nominal 0 and 1), `Paraphrase` (ordinal -5..5) or `VariErrNLI`
        (multilabel contradiction, entailment, neutral).

    Items get `text` and `text_pair` in reading order, `group` (items with the same first part: context, post),
    `language` and, where published, `official_distribution` (the soft label, a number per level; of VariErrNLI the
    share of people who chose it; rounded to two decimals in some files), `language_variety`, `level`, `source` and
    `context_speaker` (CSC's key, unique per item). Annotators get the published attributes in lower_snake_case; CSC has
    32 without a record.
    Raises MissingData when no split exists, DataError when a file is malformed.
    """
    parts, scale = CORPORA[one_of("corpus", corpus, CORPORA)]
    annotations: list[dict] = []
    items: list[dict] = []
    for split, file, key, entry in published_splits(path, corpus):
        with parsing(f"{file}: item {key!r}", "a LeWiDi-2025 file"):
            item, rows = _entry(f"{split}-{key}", entry, parts, scale)
        items.append(item | {"split": SPLITS[split]})
        annotations += [row | {"file": file.name, "row": key} for row in rows]
    table = pd.DataFrame(items)
    table["group"] = shared_context(table["text"])
    return Tables(pd.DataFrame(annotations), table, _annotators(find(path, f"{corpus}_annotators_meta.json")), scale)


def _entry(item_id: str, entry: dict[str, Any], parts: tuple[str, str], scale: Scale) -> tuple[dict, list[dict]]:
    first, second = parts
    item = {"item_id": item_id, "text": entry["text"][first], "text_pair": entry["text"][second]}
    item["language"] = entry["lang"]
    if "soft_label" in entry:  # the files of the competition's last phase had none
        item["official_distribution"] = _distribution(entry["soft_label"], scale)
    info = entry.get("other_info") or {}
    item |= {ours: _whole(info[theirs]) for theirs, ours in ITEM_ATTRIBUTES.items() if theirs in info}
    rows = []
    # The `annotators` string repeats a person who gave two labels; the `annotations` object has each person once.
    for who, published in entry["annotations"].items():
        label = published.split(",") if scale.kind == "multilabel" else published
        rows.append({"item_id": item_id, "annotator_id": who, "label": label})
    return item, rows


def _distribution(published: dict[str, Any], scale: Scale) -> tuple[float, ...]:
    """Return shares in the order of the scale. Some files write levels as `1.0`, or have an unused level 0 (CSC)."""
    if scale.kind == "multilabel":
        return tuple(float(published[level]["1"]) for level in scale.levels)
    shares = {str(int(float(level))): float(share) for level, share in published.items()}
    return tuple(shares[level] for level in scale.levels)


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _annotators(file: Path) -> pd.DataFrame | None:
    """Return attributes by person. Some files have trailing commas; keys of MP miss the prefix that annotations use."""
    rows = []
    for key, attributes in read_object(file, trailing_commas=True).items():
        who = key if key.startswith("Ann") else f"Ann{key}"
        rows.append({"annotator_id": who} | {snake_case(name): value for name, value in attributes.items()})
    return pd.DataFrame(rows) if rows else None
