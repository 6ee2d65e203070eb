import pandas as pd
import pytest

from perspectives.data.annotations import AnnotationSet
from perspectives.data.readers import demo
from perspectives.data.splits import column, official
from perspectives.errors import DataError


def rows(task, labels, items="1122", people="abab", bad=""):
    sides = {"1": "train", "2": "val", "3": "test", "a": "train", "b": "test", "c": "val"}
    return [
        {
            "instance_id": f"{task}-{item}",
            "text": f"{task} {item}",
            "user_id": f"{task}-{who}",
            "gender": {"a": "Woman", "b": "Man"}.get(who, "Unknown"),
            "age": "18-24",
            "race": "Asian",
            "education": None,
            "label": None,
            "labels": label,
            "task": task,
            "instance_split": sides[item],
            "user_split": sides[who],
            "bad_users": who in bad,
        }
        for item, who, label in zip(items, people, labels, strict=True)
    ]


@pytest.fixture
def folder(tmp_path):
    table = rows("intimacy", [f"{{'intimacy': {k}.0}}" for k in (1, 5, 3, 2)])
    table += rows("diaz", ["{'sentiment': 'neutral'}", "{'sentiment': 'very positive'}"], "13", "ab")
    table += rows(
        "dices-350", [f"{{'Q_overall': '{x}', 'Q2': 'No'}}" for x in ("Yes", "No", "Unsure")], "123", "aba", "b"
    )
    pd.DataFrame(table).to_csv(tmp_path / "merged_data.csv", index=False)
    return tmp_path


def read(folder, target="intimacy"):
    return AnnotationSet.from_tables(demo.read(folder, target), "small")


def test_each_corpus_is_a_target_with_its_scale(folder):
    assert read(folder).annotations["label"].tolist() == ["1", "5", "3", "2"]
    assert read(folder, "sentiment").annotations["label"].tolist() == ["neutral", "very positive"]
    assert read(folder, "sentiment").scale.values.tolist() == [0, 1, 2, 3, 4]
    people = read(folder).annotators.set_index("annotator_id")
    assert people["gender"].to_dict() == {"intimacy-a": "Woman", "intimacy-b": "Man"}
    assert set(people["education"]) == {"unknown"}


def test_people_whom_the_authors_excluded_are_left_out(folder):
    safety = read(folder, "safety")
    assert safety.annotations["label"].tolist() == ["Yes", "Unsure"]
    assert safety.annotators["annotator_id"].tolist() == ["dices-350-a"]


def test_both_published_splits_can_be_used(tmp_path):
    table = rows("intimacy", ["{'intimacy': 2}"] * 9, "112233123", "abababccc")
    pd.DataFrame(table).to_csv(tmp_path / "merged_data.csv", index=False)
    annotations = read(tmp_path)
    by_item = official(annotations)
    assert [len(annotations.select(by_item.part == code)) for code in (0, 1, 2)] == [3, 3, 3]
    by_person = column(annotations, "condition", test="test", validation="validation")
    who = annotations.annotations["annotator_id"].str[-1].to_numpy()
    assert [set(who[by_person.part == code]) for code in (0, 1, 2)] == [{"a"}, {"c"}, {"b"}]


def test_what_is_not_there_is_named(folder):
    with pytest.raises(DataError, match=r"has no task 'politeness' for target=politeness; it has diaz, dices-350, int"):
        read(folder, "politeness")
    with pytest.raises(DataError, match="target='diaz' is unknown; choose one of intimacy, politeness, offensiveness"):
        read(folder, "diaz")
    pd.DataFrame(rows("intimacy", ["{'intimacy': 2}", "{'tea': 2}"], "12", "ab")).to_csv(folder / "merged_data.csv")
    with pytest.raises(DataError, match=r"merged_data\.csv:3: labels \"\{'tea': 2\}\" holds no intimacy \(KeyError\)"):
        read(folder)
