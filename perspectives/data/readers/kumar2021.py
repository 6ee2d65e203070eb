"""Toxicity of 107,620 comments, rated by 17,280 people who described themselves.

Tested on files written from the documented keys, not on the original. Paper: Kumar et al. 2021, Designing Toxic Content
Classification for a Diversity of Perspectives (SOUPS).
"""

from pathlib import Path

import pandas as pd

from perspectives.data.annotations import Tables
from perspectives.data.readers.common import find, one_of, parsing, read_lines
from perspectives.data.scale import Scale

ATTRIBUTES = {
    name: name
    for name in (
        "gender", "race", "age_range", "education", "lgbtq_status", "identify_as_transgender", "religion_important",
        "is_parent", "technology_impact", "uses_media_social", "uses_media_news", "uses_media_video",
        "uses_media_forums", "personally_seen_toxic_content", "personally_been_target", "toxic_comments_problem",
    )
} | {"political_affilation": "political_affiliation"}  # fmt: skip  # the published key is misspelt


def read(
    path: str | Path,
    file: str = "toxic_content_dataset.json",
    annotator_key: str | None = None,
    varying: str = "error",
    toxic_above: int | None = None,
) -> Tables:
    """Read a JSONL file: a comment per line with `comment`, `comment_id`, `perspective_score` and a list `ratings`.

    file: name of the JSONL file in the folder `path`.
    annotator_key: key of a rating that names its rater, for copies that have one. The public file has none, and people
        cannot be identified by their answers: every rating is then an annotator of its own, `<comment_id>/<position>`,
        with that person's demographics. Models can learn from attributes there, but not from individuals.
    varying: what to do with a person whose demographic answers vary: `error` leaves all records, for validation to
        report; `mode` keeps the most frequent answer to each question, and none where two are equally frequent.
    toxic_above: null for the scores as published; else scores above this one are `toxic`, the others `benign`.

    Ordinal levels 0 (not at all toxic) to 4, or two. Items carry `perspective_score`. `mode` and `toxic_above=1` are
    the choices of Orlikowski et al. 2023 (The Ecological Fallacy in Annotation, ACL). Raises MissingData without the
    file, DataError naming the line where a key is missing.
    """
    one_of("varying", varying, ("error", "mode"))
    source = find(path, file)
    annotations, items, annotators = [], [], []
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
                attributes = {
                    ours: str(rating[theirs]) for theirs, ours in ATTRIBUTES.items() if rating.get(theirs) is not None
                }
                annotators.append({"annotator_id": who} | attributes)
    people, table, scale = pd.DataFrame(annotators), pd.DataFrame(annotations), Scale.integers(0, 4)
    if toxic_above is not None:
        table["label"] = (table["label"].astype(int) > toxic_above).map({False: "benign", True: "toxic"})
        scale = Scale("nominal", ("benign", "toxic"))
    return Tables(table, pd.DataFrame(items), people.drop_duplicates() if varying == "error" else _modes(people), scale)


def _modes(people: pd.DataFrame) -> pd.DataFrame:
    """Return one record per person: the most frequent answer to each question, missing where it is not unique."""
    key = ["annotator_id", "question"]
    counts = people.melt("annotator_id", var_name="question", value_name="answer").value_counts()
    most = counts[counts == counts.groupby(key).transform("max")].reset_index()
    answers = most.drop_duplicates(key, keep=False).pivot(index="annotator_id", columns="question", values="answer")
    order = pd.Index(people["annotator_id"].unique(), name="annotator_id")
    return answers.reindex(index=order, columns=people.columns.drop("annotator_id")).reset_index()
