"""Sentiment of sentences, many about age, judged by people of 50 years and more who described themselves.

Tested on the published test part and survey. The larger train part was not at hand; its name and columns are taken from
public code that reads it. Paper: Díaz et al. 2018, Addressing Age-Related Bias in Sentiment Analysis (CHI).
"""

from pathlib import Path

import pandas as pd

from perspectives.data.annotations import Tables
from perspectives.data.readers.common import MissingData, find, located, read_table
from perspectives.data.scale import Scale

LEVELS = ("Very negative", "Somewhat negative", "Neutral", "Somewhat positive", "Very positive")
FILES = {"train": "train_older_adult_annotations.csv", "test": "test_annotations.csv"}
ATTRIBUTES = {
    "Please indicate your age": "age",
    "Please indicate your gender": "gender",
    "Please indicate your race - Selected Choice": "race",
    "Are you Hispanic or Latino?": "hispanic",
    "Please indicate your political identification": "politics",
    "Education": "education",
    "Please indicate your annual household income": "income",
    "Which employment status best describes you?": "employment",
    "How would you describe your current living situation (check all that apply) - Selected Choice": "living_situation",
    "In which region of the United States do you currently live?": "region",
    "How would you describe the area in which you currently live?": "area",
    "How would you describe the area where you grew up?": "area_of_childhood",
}


def read(path: str | Path) -> Tables:
    """Read `test_annotations.csv`, `train_older_adult_annotations.csv` (those that exist) and the survey
    `demographics_responses.csv`; ordinal levels Very negative to Very positive.

    `split` is the published one, and its name is the prefix of item ids. Free-text answers are not read, nor is
    `is_age_related`, which differs between annotations of one sentence. People without annotations are left out.
    Raises MissingData without annotations or without the survey, DataError when a column is missing.
    """
    files = {split: Path(path) / name for split, name in FILES.items() if (Path(path) / name).is_file()}
    if not files:
        raise MissingData(f"{Path(path)} holds no {' or '.join(FILES.values())}")
    columns = ["respondent_id", "unit_id", "unit_text", "annotation"]
    parts = []
    for split, file in files.items():
        part = located(read_table(file, columns, encoding="latin-1"), file)
        parts.append(part.assign(split=split, unit_id=f"{split}-" + part["unit_id"]))
    table = pd.concat(parts, ignore_index=True)
    names = {"respondent_id": "annotator_id", "unit_id": "item_id", "unit_text": "text", "annotation": "label"}
    table = table.rename(columns=names)
    survey = read_table(find(path, "demographics_responses.csv"), ["respondent_id", *ATTRIBUTES], encoding="latin-1")
    people = survey[["respondent_id", *ATTRIBUTES]].rename(columns=ATTRIBUTES | {"respondent_id": "annotator_id"})
    return Tables(
        table[["item_id", "annotator_id", "label", "file", "row"]],
        table[["item_id", "text", "split"]].drop_duplicates(),
        people[people["annotator_id"].isin(table["annotator_id"])],
        Scale("ordinal", LEVELS),
    )
