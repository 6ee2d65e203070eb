"""Posts of the Jigsaw toxicity challenge, labelled again by up to five people each: not toxic, insult or hate.

Paper: Pachinger et al. 2025, A Disaggregated Dataset on English Offensiveness Containing Spans (NLPerspectives).
"""

from pathlib import Path

import pandas as pd

from perspectives.data.annotations import Tables
from perspectives.data.readers.common import find, one_of, parsing, read_object
from perspectives.data.scale import Scale

LISTS = {"not_toxic": "Annotators_not_toxic", "insult": "Annotators_insult", "hate": "Annotators_hate"}
TOXIC = {"not_toxic": "not_toxic", "insult": "toxic", "hate": "toxic"}
SCALES = {
    "class": Scale("nominal", ("not_toxic", "insult", "hate")),
    "toxic": Scale("nominal", ("not_toxic", "toxic")),
}


def read(path: str | Path, target: str = "class") -> Tables:
    """Read `disaggregated_offensiveness.json`, a list of posts with the ids of the people who chose each class.

    target: `class` (nominal not_toxic, insult, hate) or `toxic` (the last two together; nominal not_toxic, toxic), for
        which `official_label` is the published aggregate, missing where the authors left it undecided.

    `jigsaw_toxic` of an item is the label of the challenge, 0 or 1. Posts that nobody labelled are kept, without
    annotations; spans are not read. Raises MissingData without the file, DataError when a post lacks a key.
    """
    scale = SCALES[one_of("target", target, SCALES)]
    file = find(path, "disaggregated_offensiveness.json")
    items, annotations = [], []
    for number, post in enumerate(read_object(file), start=1):
        with parsing(f"{file}: post {number}", "the file of Pachinger et al."):
            item = {"item_id": post["Index"], "text": post["Comment"], "jigsaw_toxic": post["Jigsaw_toxic"]}
            if target == "toxic":
                item["official_label"] = {0: "not_toxic", 1: "toxic", None: None}[post["Label"]]
            items.append(item)
            place = {"item_id": post["Index"], "file": file.name, "row": number}
            for label, people in LISTS.items():
                chosen = label if target == "class" else TOXIC[label]
                annotations += [place | {"annotator_id": str(who), "label": chosen} for who in post[people]]
    return Tables(pd.DataFrame(annotations), pd.DataFrame(items), None, scale)
