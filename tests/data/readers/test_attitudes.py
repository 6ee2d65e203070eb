import pandas as pd
import pytest

from perspectives.data.annotations import AnnotationSet
from perspectives.data.readers import attitudes
from perspectives.errors import DataError


@pytest.fixture
def folder(tmp_path):
    ratings = {
        "annID": [1, 1, 2, 2],
        "postCategory": ["Vulgar", "AAE", "Vulgar", "AAE"],
        "postId": [1, 1, 1, 1],
        "toyou": [1, 2, 3, 4],
        "toany": [2, 2, 2, 2],
        "intent": [5, 4, 3, 2],
        "racist": [1, 1, 5, 3],
    }
    same = {column: [0.5, 0.5, -1.0, -1.0] for column in (*attitudes.BELIEFS, *attitudes.IDENTITY)}
    people = {
        "annotatorGender": ["woman", "woman", "man", "man"],
        "annotatorRace": ["white", "white", "black", "black"],
    }
    pd.DataFrame(ratings | same | people).to_csv(tmp_path / "annotators_with_attitude.csv")
    return tmp_path


def test_numbers_restart_in_every_category(folder):
    annotations = AnnotationSet.from_tables(attitudes.read(folder), "small")
    assert annotations.items["item_id"].tolist() == ["Vulgar-1", "AAE-1"]
    assert annotations.items["category"].tolist() == ["Vulgar", "AAE"]
    assert annotations.annotations["label"].tolist() == ["1", "1", "5", "3"]
    assert annotations.annotators["politics"].tolist() == [0.5, -1.0]
    assert annotations.annotators["gender"].tolist() == ["woman", "man"]
    assert "text" not in annotations.items


def test_each_question_is_a_target(folder):
    labels = [
        AnnotationSet.from_tables(attitudes.read(folder, target), "x").labels.tolist() for target in ("toyou", "intent")
    ]
    assert labels == [[0, 1, 2, 3], [4, 3, 2, 1]]
    with pytest.raises(DataError, match="target='off_avg' is unknown; choose one of racist, toany, toyou, intent"):
        attitudes.read(folder, "off_avg")
