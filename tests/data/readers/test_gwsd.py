import pandas as pd

from perspectives.data.annotations import AnnotationSet
from perspectives.data.readers import gwsd


def workers(names, **flags):
    columns = (*gwsd.GENDERS, *gwsd.PARTIES, *gwsd.YES_NO)
    return pd.DataFrame({c: flags.get(c, [0] * len(names)) for c in columns} | {"unique_id": names})


def small(folder, attributes="worker_attributes_no_mturk_id.tsv", ratings=(0, 1, 2, 1)):
    sentences = {
        "sent_id": ["s0", "t0", "t1"],
        "sentence": ["It rains.", "Ice melts.", "Trees grow."],
        "guid": ["1_0_s0", "1_0_t0", "1_0_t1"],
        "in_held_out_test": [False, False, True],
        "disagree": [None, 0.1, 0.2],
        "neutral": [None, 0.3, 0.3],
        "agree": [None, 0.6, 0.5],
    }
    responses = {
        "worker_unique_ids": ["w0", "w1", "w2", "w0"],
        "guid": ["1_0_t0", "1_0_t0", "1_0_t1", "1_0_s0"],
        "ratings": list(ratings),
    }
    pd.DataFrame(sentences).to_csv(folder / "GWSD.tsv", sep="\t")
    pd.DataFrame(responses).to_csv(folder / "all_responses_updated.tsv", sep="\t")
    table = workers(["w0", "w1", "w2"], male=[1, 0, 0], female=[0, 1, 0], republican=[1, 0, 0], over34=[0, 1, 1])
    if attributes == "worker_attributes.tsv":
        table["mturk_id"] = ["P", "Q", "R"]
    table.to_csv(folder / attributes, sep="\t")
    return AnnotationSet.from_tables(gwsd.read(folder), "small")


def test_codes_flags_and_binary_columns_become_words_and_screening_rows_go(tmp_path):
    annotations = small(tmp_path)
    assert annotations.annotations["label"].tolist() == ["disagrees", "neutral", "agrees"]
    assert annotations.items["item_id"].tolist() == ["1_0_t0", "1_0_t1"]
    assert annotations.items["split"].tolist() == ["train", "test"]
    assert annotations.items[["disagree", "neutral", "agree"]].sum(axis=1).round(6).tolist() == [1, 1]
    people = annotations.annotators
    assert people["gender"].tolist() == ["male", "female", "unknown"]
    assert people["party"].tolist() == ["republican", "unknown", "unknown"]
    assert people["over34"].tolist() == ["no", "yes", "yes"]
    assert len(annotations.attributes) == 11


def test_worker_ids_of_the_published_file_are_not_read(tmp_path):
    annotations = small(tmp_path, attributes="worker_attributes.tsv")
    assert "mturk_id" not in annotations.annotators
    assert len(annotations.annotators) == 3
