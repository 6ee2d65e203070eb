"""Readers of corpora whose original files cannot be had here: small files with the documented columns and keys."""

import json

import pandas as pd
import pytest

from perspectives.data.annotations import AnnotationSet
from perspectives.data.readers import ghc, goemotions, kumar2021
from perspectives.errors import DataError


def emotions_row(key, rater, *chosen, unclear=False):
    row = {
        "text": f"Comment {key}",
        "id": key,
        "author": "someone",
        "subreddit": "tea",
        "link_id": "l",
        "parent_id": "p",
    }
    row |= {"created_utc": 1.5e9, "rater_id": rater, "example_very_unclear": unclear}
    return row | {emotion: int(emotion in chosen) for emotion in goemotions.EMOTIONS}


@pytest.fixture
def emotions(tmp_path):
    parts = [
        [emotions_row("a", 1, "joy", "love"), emotions_row("a", 2, unclear=True)],
        [emotions_row("b", 1, "anger")],
        [emotions_row("b", 2, "neutral")],
    ]
    for number, rows in enumerate(parts, start=1):
        pd.DataFrame(rows).to_csv(tmp_path / f"goemotions_{number}.csv", index=False)
    return tmp_path


def test_goemotions_is_a_set_per_rater(emotions):
    annotations = AnnotationSet.from_tables(goemotions.read(emotions), "small")
    assert annotations.annotations["label"].tolist() == [("joy", "love"), ("anger",), ("neutral",)]
    assert annotations.labels.shape == (3, 28)
    assert annotations.items["subreddit"].tolist() == ["tea", "tea"]
    assert "author" not in annotations.items
    kept = AnnotationSet.from_tables(goemotions.read(emotions, unclear="keep"), "small")
    assert kept.annotations["label"].tolist()[1] == ()


def test_goemotions_can_keep_some_emotions_or_ask_for_one(emotions):
    some = AnnotationSet.from_tables(goemotions.read(emotions, emotions=["joy", "anger"]), "small")
    assert some.annotations["label"].tolist() == [("joy",), ("anger",), ()]
    one = AnnotationSet.from_tables(goemotions.read(emotions, target="anger"), "small")
    assert one.annotations["label"].tolist() == ["0", "1", "0"]
    assert one.scale.binary
    with pytest.raises(DataError, match="target='rage' is unknown; choose one of admiration, amusement"):
        goemotions.read(emotions, target="rage")
    with pytest.raises(DataError, match="not both"):
        goemotions.read(emotions, emotions=["joy"], target="joy")


def test_goemotions_reports_a_cell_that_is_neither_0_nor_1(emotions):
    pd.DataFrame([emotions_row("c", 1) | {"fear": 2}]).to_csv(emotions / "goemotions_2.csv", index=False)
    with pytest.raises(DataError, match=r"goemotions_2\.csv:2: an emotion is neither 0 nor 1 \(1 rows in all\)"):
        goemotions.read(emotions)


def ghc_file(folder):
    rows = [  # ID, Annotator, Hate, HD, CV, VO
        (1, 10, 1, 1, 0, 0),
        (1, 11, 1, 0, 1, 1),
        (1, 12, 0, 0, 0, None),
        (2, 10, None, None, None, 1),
        (2, 11, 1, None, 1, 0),
    ]
    table = pd.DataFrame(rows, columns=["ID", "Annotator", "Hate", "HD", "CV", "VO"])
    table.insert(2, "Text", [f'A "post" {key}' for key in table["ID"]])
    for column in ("REL", "RAE", "SXO", "GEN", "IDL", "NAT", "POL", "MPH", "EX", "IM"):
        table[column] = None
    table.to_csv(folder / "GabHateCorpus_annotations.tsv", sep="\t", index=False)


def test_ghc_hate_is_either_of_two_and_blank_cells_are_missing(tmp_path):
    ghc_file(tmp_path)
    hate = AnnotationSet.from_tables(ghc.read(tmp_path), "small")
    pairs = hate.annotations[["item_id", "annotator_id", "label"]].to_numpy().tolist()
    assert pairs == [["1", "10", "1"], ["1", "11", "1"], ["1", "12", "0"], ["2", "11", "1"]]
    vulgar = AnnotationSet.from_tables(ghc.read(tmp_path, target="VO"), "small")
    assert vulgar.annotations["label"].tolist() == ["0", "1", "1", "0"]
    assert vulgar.items["text"].tolist() == ['A "post" 1', 'A "post" 2']
    with pytest.raises(DataError, match="target='vo' is unknown; choose one of hate, Hate, HD, CV, VO"):
        ghc.read(tmp_path, target="vo")


def kumar_file(folder, *records):
    lines = [json.dumps(record) for record in records]
    (folder / "toxic_content_dataset.json").write_text("\n".join(lines) + "\n")


def rating(score, **more):
    return {
        "toxic_score": score,
        "gender": "Female",
        "political_affilation": "Liberal",
        "is_parent": "Prefer not to say",
    } | more


def test_kumar_ratings_without_a_rater_are_strangers_with_demographics(tmp_path):
    first = {
        "comment": "Hello",
        "comment_id": 5,
        "perspective_score": 0.1,
        "ratings": [rating(0), rating(4, gender="Male")],
    }
    second = {"comment": "Bye", "comment_id": 6, "perspective_score": 0.2, "ratings": [rating(2)]}
    kumar_file(tmp_path, first, second)
    annotations = AnnotationSet.from_tables(kumar2021.read(tmp_path), "small")
    assert annotations.annotators["annotator_id"].tolist() == ["5/0", "5/1", "6/0"]
    assert annotations.annotators["gender"].tolist() == ["Female", "Male", "Female"]
    assert annotations.annotators["political_affiliation"].tolist() == ["Liberal"] * 3
    assert annotations.annotators["is_parent"].tolist() == ["unknown"] * 3
    assert annotations.labels.tolist() == [0, 4, 2]
    assert annotations.items["perspective_score"].tolist() == [0.1, 0.2]


def test_kumar_with_a_rater_key_knows_people_again_and_reports_those_who_change(tmp_path):
    first = {"comment": "Hello", "comment_id": 5, "ratings": [rating(0, who="x"), rating(1, who="y")]}
    second = {"comment": "Bye", "comment_id": 6, "ratings": [rating(2, who="x")]}
    kumar_file(tmp_path, first, second)
    annotations = AnnotationSet.from_tables(kumar2021.read(tmp_path, annotator_key="who"), "small")
    assert annotations.annotators["annotator_id"].tolist() == ["x", "y"]
    kumar_file(tmp_path, first, {"comment": "Bye", "comment_id": 6, "ratings": [rating(2, who="x", gender="Male")]})
    with pytest.raises(DataError, match=r"1 annotator\(s\) have more than one value of \['gender'\]"):
        AnnotationSet.from_tables(kumar2021.read(tmp_path, annotator_key="who"), "small")


def test_kumar_keeps_the_most_frequent_answer_of_people_who_change(tmp_path):
    genders = ["Male", "Female", "Female"]
    records = [
        {
            "comment": f"Hello {number}",
            "comment_id": number,
            "ratings": [rating(0, who="y", gender=genders[number % 2]), rating(1, who="x", gender=gender)],
        }
        for number, gender in enumerate(genders[:2])
    ] + [{"comment": "Bye", "comment_id": 9, "ratings": [rating(2, who="x", gender=genders[2])]}]
    kumar_file(tmp_path, *records)
    annotations = AnnotationSet.from_tables(kumar2021.read(tmp_path, annotator_key="who", varying="mode"), "small")
    said = annotations.annotators.set_index("annotator_id")["gender"]
    assert said.to_dict() == {"y": "unknown", "x": "Female"}  # y said both once
    assert annotations.annotators["political_affiliation"].tolist() == ["Liberal"] * 2
    with pytest.raises(DataError, match="varying='last' is unknown; choose one of error, mode"):
        kumar2021.read(tmp_path, varying="last")


def test_kumar_scores_above_one_are_toxic(tmp_path):
    kumar_file(tmp_path, {"comment": "Hello", "comment_id": 5, "ratings": [rating(score) for score in (0, 1, 2, 4)]})
    annotations = AnnotationSet.from_tables(kumar2021.read(tmp_path, toxic_above=1), "small")
    assert annotations.scale.levels == ("benign", "toxic")
    assert annotations.labels.tolist() == [0, 0, 1, 1]


def test_kumar_names_the_broken_line(tmp_path):
    good = {"comment": "Hello", "comment_id": 5, "ratings": [rating(0)]}
    kumar_file(tmp_path, good, {"comment": "Bye", "comment_id": 6})
    with pytest.raises(DataError, match=r"toxic_content_dataset\.json:2: the comment has no key 'ratings'"):
        kumar2021.read(tmp_path)
    (tmp_path / "toxic_content_dataset.json").write_text(json.dumps(good) + "\n{oops}\n")
    with pytest.raises(DataError, match="is not valid JSONL at line 2"):
        kumar2021.read(tmp_path)
