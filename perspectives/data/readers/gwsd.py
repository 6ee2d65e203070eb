"""GWSD: whether a sentence agrees that global warming is a serious concern, by eight crowd workers with their politics.

Paper: Luo, Card & Jurafsky 2020, Detecting Stance in Media on Global Warming (Findings of EMNLP).
"""

from pathlib import Path

import numpy as np
import pandas as pd

from perspectives.data.annotations import Tables
from perspectives.data.readers.common import find, located, read_table
from perspectives.data.scale import Scale

LEVELS = ("disagrees", "neutral", "agrees")
PARTIES = ("democrat", "independent", "republican")
GENDERS = ("male", "female")
YES_NO = ("over34", "college_plus", "poll1_indeed", "poll2_very_extremely", "poll3_natural", "poll4_yes",
          "poll5_very_extremely", "poll6_weekly_plus", "poll7_very_extremely")  # fmt: skip


def read(path: str | Path) -> Tables:
    """Read `GWSD.tsv` (sentences), `all_responses_updated.tsv` (a row per rating) and the workers' attributes
    (`worker_attributes_no_mturk_id.tsv`, or the published `worker_attributes.tsv`, whose worker ids are not read).

    Ordinal levels disagrees, neutral, agrees. `split` is test where `in_held_out_test` is set, train elsewhere.
    `disagree`, `neutral`, `agree` of an item are the probabilities of the authors' item-response model. Screening
    sentences (`sent_id` starts with s) are left out. The fourteen 0/1 columns become `gender` (male, female; unknown
    where neither), `party` (democrat, independent, republican; unknown where none) and yes/no attributes under their
    published names.
    Raises MissingData without one of the files, DataError when a column is missing.
    """
    file = find(path, "all_responses_updated.tsv")
    responses = located(read_table(file, ["worker_unique_ids", "guid", "ratings"]), file)
    sentences = read_table(find(path, "GWSD.tsv"), ["guid", "sent_id", "sentence", "in_held_out_test"])
    screening = sentences["sent_id"].str.startswith("s")
    responses = responses[~responses["guid"].isin(sentences.loc[screening, "guid"])]
    sentences = sentences[~screening]
    annotations = pd.DataFrame(
        {
            "item_id": responses["guid"],
            "annotator_id": responses["worker_unique_ids"],
            # An unknown code stays as it is, for validation to report.
            "label": responses["ratings"].replace({str(code): level for code, level in enumerate(LEVELS)}),
            "file": responses["file"],
            "row": responses["row"],
        }
    )
    items = pd.DataFrame({"item_id": sentences["guid"], "text": sentences["sentence"]})
    items["split"] = np.where(sentences["in_held_out_test"] == "True", "test", "train")
    for column in ("disagree", "neutral", "agree"):
        if column in sentences:
            items[column] = sentences[column].astype(float)
    return Tables(annotations, items, _annotators(path), Scale("ordinal", LEVELS))


def _annotators(path: str | Path) -> pd.DataFrame:
    file = find(path, "worker_attributes_no_mturk_id.tsv", "worker_attributes.tsv")
    workers = read_table(file, ["unique_id", *GENDERS, *PARTIES, *YES_NO])
    annotators = pd.DataFrame({"annotator_id": workers["unique_id"]})
    annotators["gender"] = _only_one(workers[list(GENDERS)])
    annotators["party"] = _only_one(workers[list(PARTIES)])
    for column in YES_NO:
        annotators[column] = workers[column].map({"1": "yes", "0": "no"})
    return annotators


def _only_one(flags: pd.DataFrame) -> pd.Series:
    """Return the name of the one column that holds 1; nan where none or several do."""
    chosen = flags.to_numpy() == "1"
    names = pd.Series(np.array(flags.columns)[chosen.argmax(axis=1)], index=flags.index)
    return names.where(chosen.sum(axis=1) == 1)
