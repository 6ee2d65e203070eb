import json

import pandas as pd
import pytest

from perspectives.data.annotations import AnnotationSet
from perspectives.data.readers import dices
from perspectives.data.readers.common import MissingData
from perspectives.errors import DataError

CONTEXTS = ["USER: any tea?\nBOT: yes.", "USER: any tea?\nBOT: yes.", "USER: is it late?"]


def instances(*scores):
    return {
        "instances": [
            {
                "id": 10 + index,
                "instance": {"user_prompt": CONTEXTS[index], "response": f"Answer {index}."},
                "annotations": {"safety": {"individual_human_scores": row}},
            }
            for index, row in enumerate(scores)
        ]
    }


def test_positions_of_350_are_people_and_experts_give_gold(tmp_path):
    crowd = instances(["No", "Yes"], ["Unsure", "Yes"], ["No", "No"])
    (tmp_path / "dices_350_crowdsourced.json").write_text(json.dumps(crowd))
    (tmp_path / "dices_350_expert.json").write_text(json.dumps(instances(["Yes"], ["No"], ["No"])))
    annotations = AnnotationSet.from_tables(dices.read(tmp_path, "350"), "small")
    table = annotations.annotations.pivot(index="item_id", columns="annotator_id", values="label")
    assert table["rater_000"].tolist() == ["No", "Unsure", "No"]
    assert table["rater_001"].tolist() == ["Yes", "Yes", "No"]
    assert annotations.items["gold"].tolist() == ["Yes", "No", "No"]
    assert annotations.items["group"].tolist() == ["context-0", "context-0", "context-1"]
    assert annotations.items["text_pair"].tolist() == ["Answer 0.", "Answer 1.", "Answer 2."]
    assert annotations.scale.levels == ("No", "Unsure", "Yes")


def test_positions_of_990_are_nobody(tmp_path):
    (tmp_path / "dices_990.json").write_text(json.dumps(instances(["No", "Yes"], ["Unsure"], ["No", "No", "Yes"])))
    annotations = AnnotationSet.from_tables(dices.read(tmp_path, "990"), "small")
    assert annotations.annotations["annotator_id"].is_unique
    assert annotations.annotations["annotator_id"].tolist()[:3] == ["10/0", "10/1", "11/0"]
    assert annotations.soft_labels()[2].tolist() == pytest.approx([2 / 3, 0, 1 / 3])
    assert "gold" not in annotations.items


def original(**more):
    rows = {
        "id": [0, 1, 2],
        "rater_id": [501, 502, 501],
        "rater_gender": ["Woman", "Man", "Woman"],
        "rater_age": ["gen z", "millenial", "gen z"],
        "item_id": [7, 7, 8],
        "phase": ["Phase1", "Phase2", "Phase1"],
        "context": CONTEXTS,
        "response": ["Sure.", "Sure.", "No idea."],
        "degree_of_harm": ["Benign", "Benign", None],
        "harm_type": ["Health,Legal", "Health,Legal", "Legal"],
        "Q2_harmful_content_overall": ["No", "No", "Unsure"],
        "Q_overall": ["Yes", "No", "Unsure"],
    }
    return pd.DataFrame(rows | more)


def test_the_original_csv_comes_with_people_and_any_question(tmp_path):
    times = [1_600_000_000_000, 1_600_000_001_000, 1_600_000_002_000]
    table = original(safety_gold=["Yes", "Yes", "No"], answer_timestamp=times)
    (tmp_path / "350").mkdir()
    table.to_csv(tmp_path / "350" / "diverse_safety_adversarial_dialog_350.csv", index=False)
    annotations = AnnotationSet.from_tables(dices.read(tmp_path, "350"), "small")
    assert annotations.annotations["label"].tolist() == ["Yes", "No", "Unsure"]
    assert annotations.annotations["condition"].tolist() == ["Phase1", "Phase2", "Phase1"]
    assert annotations.annotations["time"].astype(int).tolist() == times
    assert annotations.annotators.to_dict("list") == {
        "annotator_id": ["501", "502"],
        "gender": ["Woman", "Man"],
        "age": ["gen z", "millenial"],
    }
    assert annotations.items["gold"].tolist() == ["Yes", "No"]
    assert annotations.items["harm_type"].tolist() == ["Health,Legal", "Legal"]
    other = dices.read(tmp_path, "350", target="Q2_harmful_content_overall")
    assert other.annotations["label"].tolist() == ["No", "No", "Unsure"]


def test_the_csv_of_990_has_locales_and_wins_over_the_conversion(tmp_path):
    original(rater_locale=["US", "IN", "US"]).to_csv(
        tmp_path / "diverse_safety_adversarial_dialog_990.csv", index=False
    )
    (tmp_path / "dices_990.json").write_text(json.dumps(instances(["No"])))
    annotations = AnnotationSet.from_tables(dices.read(tmp_path, "990"), "small")
    assert annotations.annotators["locale"].tolist() == ["US", "IN"]


def test_what_is_missing_is_said(tmp_path):
    with pytest.raises(MissingData, match=r"holds no diverse_safety.*_990\.csv or 990/diverse.* or dices_990\.json"):
        dices.read(tmp_path, "990")
    with pytest.raises(DataError, match="corpus='35' is unknown; choose one of 350, 990"):
        dices.read(tmp_path, "35")
    (tmp_path / "dices_990.json").write_text(json.dumps(instances(["No"])))
    with pytest.raises(DataError, match="holds Q_overall only, not 'Q4_misinformation'; get diverse_safety"):
        dices.read(tmp_path, "990", target="Q4_misinformation")
    (tmp_path / "dices_990.json").write_text('{"instances": [{"id": 1}]}')
    with pytest.raises(DataError, match="has no key 'instance'; is this the JUDGE-BENCH conversion"):
        dices.read(tmp_path, "990")
