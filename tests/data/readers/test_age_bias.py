import pytest

from perspectives.data.annotations import AnnotationSet
from perspectives.data.readers import age_bias
from perspectives.data.readers.common import MissingData
from perspectives.errors import DataError

ANSWERS = "respondent_id,annotation_id,unit_id,unit_text,annotation,is_age_related\n"
SURVEY = ",".join(f'"{question}"' for question in ["respondent_id", *age_bias.ATTRIBUTES, "In your own words"])


def write(folder, survey=SURVEY, **parts):
    for split, rows in parts.items():
        (folder / age_bias.FILES[split]).write_text(ANSWERS + rows, encoding="latin-1")
    people = {"R1": "60-69,Female", "R2": "70-79,Male", "R3": "50-59,Female"}
    rows = [f"{who},{begins}" + ",x" * (len(age_bias.ATTRIBUTES) - 2) + ",secret" for who, begins in people.items()]
    (folder / "demographics_responses.csv").write_text("\n".join([survey, *rows]) + "\n", encoding="latin-1")


def test_parts_are_splits_and_only_people_who_labelled_are_kept(tmp_path):
    test = "R1,1,7,Tea at 60 is fine.,Very positive,Yes\nR2,2,7,Tea at 60 is fine.,Neutral,No\n"
    write(tmp_path, train="R2,1,7,Grand café,Somewhat negative,No\n", test=test)
    annotations = AnnotationSet.from_tables(age_bias.read(tmp_path), "small")
    assert annotations.items[["item_id", "text", "split"]].to_numpy().tolist() == [
        ["train-7", "Grand café", "train"],
        ["test-7", "Tea at 60 is fine.", "test"],
    ]
    assert annotations.labels.tolist() == [1, 4, 2]
    people = annotations.annotators.set_index("annotator_id")
    assert people["age"].to_dict() == {"R1": "60-69", "R2": "70-79"}
    assert len(annotations.attributes) == 12
    assert "secret" not in people.to_numpy()


def test_the_published_test_part_alone_can_be_read(tmp_path):
    write(tmp_path, test="R1,1,7,Tea.,Neutral,Yes\n")
    assert age_bias.read(tmp_path).items["split"].tolist() == ["test"]


def test_missing_files_and_columns_are_named(tmp_path):
    with pytest.raises(MissingData, match=r"holds no train_older_adult_annotations\.csv or test_annotations\.csv"):
        age_bias.read(tmp_path)
    (tmp_path / "test_annotations.csv").write_text(ANSWERS + "R1,1,7,Tea.,Neutral,Yes\n")
    with pytest.raises(MissingData, match=r"holds no demographics_responses\.csv"):
        age_bias.read(tmp_path)
    write(tmp_path, survey=SURVEY.replace("Education", "School"), test="R1,1,7,Tea.,Neutral,Yes\n")
    with pytest.raises(DataError, match=r"demographics_responses\.csv has no column \['Education'\]"):
        age_bias.read(tmp_path)
