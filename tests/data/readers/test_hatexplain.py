import json

import pandas as pd
import pytest

from perspectives.data.annotations import AnnotationSet
from perspectives.data.readers import hatexplain
from perspectives.data.readers.common import MissingData
from perspectives.errors import DataError


def csv(file, key="12_twitter", labels="[0, 1, 2]"):
    answers = f"{{'label': {labels}, 'annotator_id': [3, 9, 17], 'target': [['None'], ['None'], ['None']]}}"
    rows = {"id": [key], "annotators": [answers], "post_tokens": ["['don', \"'t\", 'panic', '\"', 'now']"]}
    pd.DataFrame(rows).to_csv(file, index=False)


def test_literals_are_parsed_and_the_file_is_the_split(tmp_path):
    csv(tmp_path / "df_val_processed.csv")
    csv(tmp_path / "df_test_processed.csv", key="13_gab")
    annotations = AnnotationSet.from_tables(hatexplain.read(tmp_path), "small")
    assert annotations.annotations["label"].tolist() == ["hatespeech", "normal", "offensive"] * 2
    assert annotations.annotators["annotator_id"].tolist() == ["3", "9", "17"]
    assert annotations.items["text"].iloc[0] == "don 't panic \" now"
    assert annotations.items["split"].tolist() == ["validation", "test"]
    assert annotations.items["source"].tolist() == ["twitter", "gab"]


def test_the_original_json_gives_the_same_and_takes_splits_from_the_divisions(tmp_path):
    answers = [
        {"label": label, "annotator_id": who, "target": ["None"]} for who, label in ((3, "hatespeech"), (9, "normal"))
    ]
    posts = {key: {"annotators": answers, "post_tokens": ["good", "morning"]} for key in ("1_gab", "2_gab", "3_gab")}
    (tmp_path / "dataset.json").write_text(json.dumps(posts))
    (tmp_path / "post_id_divisions.json").write_text(json.dumps({"train": ["1_gab"], "val": ["2_gab"], "test": []}))
    annotations = AnnotationSet.from_tables(hatexplain.read(tmp_path), "small")
    assert annotations.items["split"].fillna("none").tolist() == ["train", "validation", "none"]
    assert annotations.annotations["label"].value_counts().to_dict() == {"hatespeech": 3, "normal": 3}


def test_a_broken_cell_is_named(tmp_path):
    csv(tmp_path / "df_test_processed.csv", labels="[0, 1, 3]")
    with pytest.raises(DataError, match=r"df_test_processed\.csv:2: the annotators or post_tokens"):
        hatexplain.read(tmp_path)
    csv(tmp_path / "df_test_processed.csv", labels="[0, 1]")
    with pytest.raises(DataError, match="cannot be parsed"):
        hatexplain.read(tmp_path)
    with pytest.raises(MissingData, match=r"holds no df_train_processed\.csv, df_val_processed\.csv or df_test_"):
        hatexplain.read(tmp_path / "elsewhere")
