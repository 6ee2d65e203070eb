import pandas as pd

from perspectives.data.annotations import AnnotationSet
from perspectives.data.readers import hatecheck


def test_empty_cells_are_not_assigned_and_templates_are_groups(tmp_path):
    table = pd.DataFrame(
        {
            "functionality": ["neutral_nh", "neutral_nh", "other_nh"],
            "case_id": [1, 2, 3],
            "templ_id": [40, 40, 41],
            "test_case": ["I like tea.", "I like cake.", "Rain."],
            "label_gold": ["non-hateful", "non-hateful", "hateful"],
        }
        | {f"label_{k}": [None, None, None] for k in range(1, 11)}
    )
    table.loc[0, "label_1"] = table.loc[0, "label_10"] = table.loc[1, "label_1"] = "non-hateful"
    table.loc[2, "label_10"] = "hateful"
    table.to_csv(tmp_path / "all_annotations.csv")
    annotations = AnnotationSet.from_tables(hatecheck.read(tmp_path), "small")
    assert len(annotations) == 4
    pairs = annotations.annotations[["item_id", "annotator_id", "label"]].to_numpy().tolist()
    assert ["3", "label_10", "hateful"] in pairs
    assert annotations.items["group"].tolist() == ["template-40", "template-40", "template-41"]
    assert annotations.items["gold"].tolist() == ["non-hateful", "non-hateful", "hateful"]
    assert annotations.scale.levels == ("non-hateful", "hateful")
    assert "direction" not in annotations.items

    cases = {"case_id": [3, 1, 2], "target_ident": [None, "women", "women"], "direction": ["-", "general", "directed"]}
    pd.DataFrame(cases).to_csv(tmp_path / "all_cases.csv")
    items = hatecheck.read(tmp_path).items
    assert items["target_identity"].fillna("none").tolist() == ["women", "women", "none"]
    assert items["direction"].fillna("none").tolist() == ["general", "directed", "none"]
