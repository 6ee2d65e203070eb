import pandas as pd
import pytest

from perspectives.data.annotations import AnnotationSet
from perspectives.data.readers import perspective_taking
from perspectives.errors import DataError, DataWarning

COMMENTS = "id,comment_id,text,pos_f,pos_m\n0,900,Well done,0,0.5\n1,901,Go home,0.5,1\n"
PILOT = (
    "workerId,comment,answer,race,age,gender,politic\n"
    "aa,0,-1,White,36,Female,Democrat\naa,1,1,White,36,Female,Democrat\nbb,1,1,Asian,67,Male,Independent\n"
)
FORMAL = (
    "workerId,comment,answer_f,answer_m,race,age,gender,political\n"
    "cc,0,0.28,,Black,130,Female,Democrat\ncc,0,0.28,,Black,130,Female,Democrat\n"
    "cc,1,0.5,0.25,Black,130,Female,Democrat\ncc,1,0.7,0.25,Black,130,Female,Democrat\n"
    "dd,1,,1,White,40,Male,Republican\n"
)


@pytest.fixture
def folder(tmp_path):
    for name, text in (("comments", COMMENTS), ("pilot_annotations", PILOT), ("formal_annotations", FORMAL)):
        (tmp_path / f"{name}.csv").write_text(text)
    return tmp_path


def test_pilot_codes_are_levels_and_politic_is_called_political(folder):
    annotations = AnnotationSet.from_tables(perspective_taking.read(folder), "small")
    assert annotations.annotations["label"].tolist() == ["not_toxic", "toxic", "toxic"]
    assert annotations.labels.tolist() == [0, 1, 1]
    assert annotations.annotators["political"].tolist() == ["Democrat", "Independent"]
    assert annotations.items["pos_m"].tolist() == [0.5, 1.0]


@pytest.mark.filterwarnings("ignore::perspectives.errors.DataWarning")
def test_formal_answers_are_numbers_and_missing_ones_have_no_row(folder):
    with pytest.warns(DataWarning, match=r"1 later, different label\(s\)"):
        f = AnnotationSet.from_tables(perspective_taking.read(folder, "formal"), "small", duplicates="first")
    with pytest.warns(DataWarning, match=r"1 repeated annotation\(s\) with equal labels"):
        m = AnnotationSet.from_tables(perspective_taking.read(folder, "formal", "answer_m"), "small")
    assert f.labels.tolist() == [0.28, 0.5]
    assert m.labels.tolist() == [0.25, 1.0]
    assert (f.scale.low, f.scale.high) == (0, 1)
    assert f.annotators["annotator_id"].tolist() == ["cc"]


def test_disagreeing_duplicates_are_an_error_until_somebody_decides(folder):
    message = r"twice with different labels at formal_annotations\.csv:5; choose data\.duplicates=first"
    with pytest.raises(DataError, match=message):
        AnnotationSet.from_tables(perspective_taking.read(folder, "formal"), "small")


def test_an_age_nobody_reached_is_missing(folder):
    ages = perspective_taking.read(folder, "formal", "answer_m").annotators["age"]
    assert ages.isna().tolist() == [True, False]
    assert pd.Series(ages).max() == 40


def test_options_are_checked(folder):
    with pytest.raises(DataError, match="which=pilot has one target; leave target=answer_m out or choose which=formal"):
        perspective_taking.read(folder, target="answer_m")
    with pytest.raises(DataError, match="which='both' is unknown; choose one of pilot, formal"):
        perspective_taking.read(folder, "both")
    with pytest.raises(DataError, match="target='answer' is unknown; choose one of answer_f, answer_m"):
        perspective_taking.read(folder, "formal", "answer")
