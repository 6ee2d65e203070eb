"""Toxicity of 107,620 comments, rated by 17,280 people who described themselves.

Tested on files written from the documented keys, not on the original. Paper: Kumar et al. 2021, Designing Toxic Content
Classification for a Diversity of Perspectives (SOUPS).
"""

from pathlib import Path

import pandas as pd

from perspectives.data.annotations import Tables
from perspectives.data.readers.common import find, parsing, read_lines
from perspectives.data.scale import Scale

ATTRIBUTES = {
    name: name
    for name in (
        "gender", "race", "age_range", "education", "lgbtq_status", "identify_as_transgender", "religion_important",
        "is_parent", "technology_impact", "uses_media_social", "uses_media_news", "uses_media_video",
        "uses_media_forums", "personally_seen_toxic_content", "personally_been_target", "toxic_comments_problem",
    )
} | {"political_affilation": "political_affiliation"}  # fmt: skip  # the published key lacks an i


def read(path: str | Path, file: str = "toxic_content_dataset.json", annotator_key: str | None = None) -> Tables:
    """Read a JSONL file: a comment per line with `comment`, `comment_id`, `perspective_score` and a list `ratings`.

    file: name of the JSONL file in the folder `path`.
    annotator_key: key of a rating that names its rater, for copies that have one. The public file has none, and people
        cannot be told apart by their answers: every rating then is an annotator of its own, `<comment_id>/<position>`,
        with that person's demographics. Models that learn individuals have nothing to learn there; attributes do.

    Ordinal levels 0 (not at all toxic) to 4. Items carry `perspective_score`. Raises MissingData without the file,
    DataError naming the line that lacks a key.
    """
    source = find(path, file)
    annotations, items, annotators = [], [], {}
    for number, record in enumerate(read_lines(source), start=1):
        with parsing(f"{source}:{number}: the comment", "Kumar et al.'s file"):
            item_id = str(record["comment_id"])
            items.append(
                {"item_id": item_id, "text": record["comment"], "perspective_score": record.get("perspective_score")}
            )
            for position, rating in enumerate(record["ratings"]):
                who = f"{item_id}/{position}" if annotator_key is None else str(rating[annotator_key])
                place = {"file": source.name, "row": number}
                annotations.append({"item_id": item_id, "annotator_id": who, "label": rating["toxic_score"]} | place)
                # Differing answers of one named person stay apart, for validation to report.
                attributes = {
                    ours: str(rating[theirs]) for theirs, ours in ATTRIBUTES.items() if rating.get(theirs) is not None
                }
                annotators[who, *attributes.items()] = {"annotator_id": who} | attributes
    people = pd.DataFrame(list(annotators.values()))
    return Tables(pd.DataFrame(annotations), pd.DataFrame(items), people, Scale.integers(0, 4))
