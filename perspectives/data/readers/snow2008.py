"""Textual entailment and emotions in headlines, labelled by ten crowd workers each, with gold labels.

Paper: Snow, O'Connor, Jurafsky & Ng 2008, Cheap and Fast - But is it Good? Evaluating Non-Expert Annotations for
Natural Language Tasks (EMNLP).
"""

from pathlib import Path

from perspectives.data.annotations import Tables
from perspectives.data.readers.common import find, located, one_of, read_table
from perspectives.data.scale import Scale

EMOTIONS = ("anger", "disgust", "fear", "joy", "sadness", "surprise")
TARGETS = ("rte", *EMOTIONS, "valence")


def read(path: str | Path, target: str = "rte") -> Tables:
    """Read `<target>.standardized.tsv` with its texts, `rte1.tsv` or `affect.tsv`.

    target: `rte` (does the first text entail the second? nominal 0, 1), one emotion of the headline (interval, 0 to
        100) or `valence` (interval, -100 to 100). Items have the experts' `gold`.

    Annotators are the published worker ids. Raises MissingData without one of the files, DataError when a column is
    missing or the target is unknown.
    """
    one_of("target", target, TARGETS)
    file = find(path, f"{target}.standardized.tsv")
    table = located(read_table(file, ["!amt_worker_ids", "orig_id", "response", "gold"]), file)
    names = {"!amt_worker_ids": "annotator_id", "orig_id": "item_id", "response": "label"}
    table = table.rename(columns=names)
    if target == "rte":
        texts = read_table(find(path, "rte1.tsv"), ["id", "text", "hypothesis"])
        texts = texts.rename(columns={"id": "item_id", "hypothesis": "text_pair"})[["item_id", "text", "text_pair"]]
        scale = Scale("nominal", ("0", "1"))
    else:
        texts = read_table(find(path, "affect.tsv"), ["id", "headline"])
        texts = texts.rename(columns={"id": "item_id", "headline": "text"})[["item_id", "text"]]
        scale = Scale("interval", low=-100.0 if target == "valence" else 0.0, high=100.0)
    items = table[["item_id", "gold"]].drop_duplicates()
    if scale.kind == "interval":
        items["gold"] = items["gold"].astype(float)
    return Tables(
        table[["item_id", "annotator_id", "label", "file", "row"]],
        items.merge(texts, on="item_id", how="left"),
        None,
        scale,
    )
