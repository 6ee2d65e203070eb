import pytest

from perspectives.data.annotations import AnnotationSet
from perspectives.data.readers import annotation_sensitivity
from perspectives.errors import DataError

# The two published files order their columns differently.
TRAIN = (
    "tweet.id,id,version,batch.tweet,hate.speech,offensive.language,tweet_hashed\n"
    "1,11,A,R1,0,NA,Nice dog\n1,12,E,R1,1,1,Nice dog\n"
)
TEST = (
    "id,version,batch.tweet,hate.speech,offensive.language,tweet.id,tweet_hashed\n"
    "11,A,R2,NA,0,2,Nice cat\n12,E,R2,0,1,2,Nice cat\n"
)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "full_train_s.csv").write_text(TRAIN)
    (tmp_path / "full_test_s.csv").write_text(TEST)
    return tmp_path


def test_targets_drop_their_own_missing_labels(folder):
    hate = AnnotationSet.from_tables(annotation_sensitivity.read(folder), "small")
    offensive = AnnotationSet.from_tables(annotation_sensitivity.read(folder, "offensive_language"), "small")
    assert hate.annotations["label"].tolist() == ["0", "1", "0"]
    assert offensive.annotations["label"].tolist() == ["1", "0", "1"]
    assert hate.items["split"].tolist() == ["train", "test"]


def test_the_condition_belongs_to_annotations_and_to_people(folder):
    annotations = AnnotationSet.from_tables(annotation_sensitivity.read(folder), "small")
    assert annotations.annotations["condition"].tolist() == ["A", "E", "E"]
    assert annotations.annotators.set_index("annotator_id")["condition"].to_dict() == {"11": "A", "12": "E"}


def test_unknown_targets_are_named(folder):
    with pytest.raises(DataError, match="target='hate' is unknown; choose one of hate_speech, offensive_language"):
        annotation_sensitivity.read(folder, "hate")
