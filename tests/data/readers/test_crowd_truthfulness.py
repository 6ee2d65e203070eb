import pandas as pd
import pytest

from perspectives.data.annotations import AnnotationSet
from perspectives.data.readers import crowd_truthfulness
from perspectives.errors import DataError


def write(folder, scale="S3"):
    rows = [
        # worker, position, name, statement, level, source, income
        ("w1", 0, None, "Two and two is four.", 2, "gold_question", "much"),
        ("w1", 1, "a", "Tea is “hot”.", 2, "Politifact", "much"),
        ("w1", 2, "b", "Rain is dry.", 0, "ABC", "much"),
        ("w2", 1, "a", "Tea is hot.", 1, "Politifact", "some"),
        ("w1", 1, "a", "Tea is “hot”.", 0, "Politifact", "little"),
    ]
    table = pd.DataFrame(rows, columns=["unit_id", "position", "name_unique", "statement", "level", "source", "money"])
    table = table.rename(
        columns={"position": f"{scale}_document_position", "level": f"{scale}_truth_level", "money": f"{scale}_money"}
    )
    for theirs in crowd_truthfulness.ATTRIBUTES:
        if theirs != "money":
            table[f"{scale}_{theirs}"] = table["unit_id"]
    table["party"] = "of the speaker"
    table["speaker"], table["politifact_label"], table["abc_label"] = "someone", None, None
    table.to_csv(folder / f"{scale}.csv", index=False)


def test_test_questions_go_and_what_came_first_counts(tmp_path):
    write(tmp_path)
    annotations = AnnotationSet.from_tables(crowd_truthfulness.read(tmp_path, "S3"), "small")
    pairs = annotations.annotations[["item_id", "annotator_id", "label"]].to_numpy().tolist()
    assert pairs == [["a", "w1", "2"], ["b", "w1", "0"], ["a", "w2", "1"]]
    assert annotations.items["text"].tolist() == ["Tea is “hot”.", "Rain is dry."]
    assert annotations.annotators["income"].tolist() == ["much", "some"]
    assert annotations.annotators["party"].tolist() == ["w1", "w2"]


def test_every_scale_has_its_file(tmp_path):
    write(tmp_path, "S100")
    assert crowd_truthfulness.read(tmp_path, "S100").scale.kind == "interval"
    with pytest.raises(DataError, match=r"holds no S6\.csv"):
        crowd_truthfulness.read(tmp_path, "S6")
    with pytest.raises(DataError, match="scale='S10' is unknown; choose one of S3, S6, S100"):
        crowd_truthfulness.read(tmp_path, "S10")
