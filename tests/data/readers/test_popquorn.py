import pytest

from perspectives.data.annotations import AnnotationSet
from perspectives.data.readers import popquorn
from perspectives.errors import DataError

HEADER = "instance_id,user_id,text,{},gender,race,age,occupation,education\n"
ROWS = (
    '4,0,"Good soup, thanks",1.0,Woman,White,54-59,Employed,Other\n'
    '4,1,"Good soup, thanks",{},Man,Asian,>65,Retired,Other\n'
)


def test_ratings_published_as_floats_are_levels_and_attributes_stay_as_published(tmp_path):
    (tmp_path / "raw_data.csv").write_text(HEADER.format("offensiveness") + ROWS.format("5.0"))
    annotations = AnnotationSet.from_tables(popquorn.read(tmp_path), "small")
    assert annotations.annotations["label"].tolist() == ["1", "5"]
    assert annotations.items["text"].tolist() == ["Good soup, thanks"]
    assert annotations.annotators["age"].tolist() == ["54-59", ">65"]
    assert annotations.attributes == ["gender", "race", "age", "occupation", "education"]


def test_another_task_of_the_same_shape_is_a_target(tmp_path):
    (tmp_path / "raw_data.csv").write_text(HEADER.format("politeness") + ROWS.format("2.0"))
    assert popquorn.read(tmp_path, target="politeness").annotations["label"].tolist() == ["1", "2"]
    with pytest.raises(DataError, match=r"raw_data\.csv has no column \['offensiveness'\]; it has .*'politeness'"):
        popquorn.read(tmp_path)


def test_a_rating_between_levels_is_reported_with_its_row(tmp_path):
    (tmp_path / "raw_data.csv").write_text(HEADER.format("offensiveness") + ROWS.format("2.5"))
    with pytest.raises(DataError, match=r"label holds '2\.5' at raw_data\.csv:3; expected one of 1, 2, 3, 4, 5"):
        AnnotationSet.from_tables(popquorn.read(tmp_path), "small")
