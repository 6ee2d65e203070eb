"""Every shipped data configuration: it fits its reader, and it loads the published files with the known counts."""

import inspect
import warnings
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from hydra.utils import get_method
from omegaconf import OmegaConf

from perspectives.config import compose, conf_dir
from perspectives.data.annotations import AnnotationSet
from perspectives.data.catalog import card
from perspectives.data.load import load
from perspectives.data.readers.common import MissingData
from perspectives.errors import ConfigError, DataError, DataWarning

CONFIGS = sorted(path.stem for path in (conf_dir() / "data").glob("*.yaml") if path.stem != "synthetic")
UNOBTAINABLE = ("demo", "ghc", "goemotions", "kumar2021", "popquorn_politeness")


class Counts(NamedTuple):
    items: int
    annotators: int
    annotations: int
    labels: dict[str, int]
    splits: dict[str, int] = {}  # noqa: RUF012


FORMAL = ("perspective_taking_toxicity", "data.reader.which=formal", "data.duplicates=first")
EXPECTED = {
    ("hs_brexit",): Counts(1120, 6, 6720, {"0": 5851, "1": 869}, {"train": 784, "validation": 168, "test": 168}),
    ("armis",): Counts(943, 3, 2829, {"0": 1666, "1": 1163}, {"train": 657, "validation": 141, "test": 145}),
    ("md_agreement",): Counts(
        10753, 819, 53764, {"0": 35427, "1": 18338}, {"train": 6592, "validation": 1104, "test": 3057}
    ),
    ("csc",): Counts(
        1408,
        872,
        6410,
        {"1": 2377, "2": 975, "3": 820, "4": 1052, "5": 745, "6": 441},
        {"validation": 704, "test": 704},
    ),
    ("multipico",): Counts(6761, 506, 33871, {"0": 22740, "1": 11131}, {"validation": 3005, "test": 3756}),
    ("paraphrase",): Counts(500, 4, 2000, {}, {"train": 400, "validation": 50, "test": 50}),
    ("varierrnli",): Counts(488, 4, 1816, {}, {"train": 388, "validation": 50, "test": 50}),
    ("popquorn_offensiveness",): Counts(1500, 262, 13036, {"1": 7516, "2": 2190, "3": 1590, "4": 1039, "5": 701}),
    ("dices_350",): Counts(350, 123, 43050, {"No": 26292, "Yes": 14064, "Unsure": 2694}),
    ("dices_990",): Counts(990, 72103, 72103, {"No": 48995, "Yes": 19357, "Unsure": 3751}),
    ("gwsd",): Counts(
        2050, 400, 16400, {"neutral": 7050, "agrees": 6261, "disagrees": 3089}, {"train": 1850, "test": 200}
    ),
    ("perspective_taking_toxicity",): Counts(120, 545, 13080, {"toxic": 8346, "not_toxic": 4734}),
    # 6,227 rows, 2,089 and 1,942 of them without the answer, 54 and 104 repeated.
    FORMAL: Counts(120, 170, 6227 - 2089 - 54, {}),
    (*FORMAL, "data.target=answer_m"): Counts(120, 175, 6227 - 1942 - 104, {}),
    ("tweet_annotation_sensitivity",): Counts(
        3000, 917, 44900 - 311, {"0": 31232, "1": 13357}, {"train": 2250, "test": 750}
    ),
    ("tweet_annotation_sensitivity", "data.target=offensive_language"): Counts(
        3000, 917, 44900 - 39, {"0": 19530, "1": 25331}, {"train": 2250, "test": 750}
    ),
    ("xhate_stability",): Counts(95, 22, 2 * 2090, {}),
    ("hatexplain",): Counts(
        3846, 236, 11538, {"hatespeech": 3412, "normal": 4716, "offensive": 3410}, {"validation": 1922, "test": 1924}
    ),
    ("hatecheck",): Counts(3901, 10, 19505, {"hateful": 13356, "non-hateful": 6149}),
    ("age_bias_sentiment",): Counts(
        338,
        878,
        1419,
        {"Neutral": 532, "Somewhat negative": 369, "Somewhat positive": 296, "Very positive": 126, "Very negative": 96},
        {"test": 338},
    ),
    ("annotators_with_attitudes",): Counts(12, 641, 7692, {}),
    ("disaggregated_offensiveness",): Counts(1983, 43, 8738, {"insult": 3967, "not_toxic": 3878, "hate": 893}),
    ("disaggregated_offensiveness", "data.target=toxic"): Counts(1983, 43, 8738, {"toxic": 4860, "not_toxic": 3878}),
    # Two of eleven statements test the workers' care; in S3 one worker's second eleven go as well.
    ("crowd_truthfulness",): Counts(180, 199, 2189 * 9 // 11, {}),
    ("crowd_truthfulness", "data.reader.scale=S3"): Counts(180, 198, (2189 - 11) * 9 // 11, {}),
    ("crowd_truthfulness", "data.reader.scale=S100"): Counts(180, 198, 2178 * 9 // 11, {}),
    ("snow2008",): Counts(800, 164, 8000, {}),
    ("snow2008", "data.target=valence"): Counts(100, 38, 1000, {}),
}


def loaded(folder, name: str, *overrides: str) -> AnnotationSet:
    cfg = compose("train", [f"data={name}", f"paths.data={folder}", *overrides])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)  # repairs are looked at through `notes`
        return load(cfg.data)


def test_every_corpus_is_covered():
    assert {key[0] for key in EXPECTED} | {*UNOBTAINABLE, "table"} == set(CONFIGS)
    assert len(CONFIGS) == 27


@pytest.mark.parametrize("name", CONFIGS)
def test_the_configuration_fits_its_reader_and_its_card(name):
    cfg = OmegaConf.load(conf_dir() / "data" / f"{name}.yaml")
    assert cfg.name == name
    options = set(cfg.reader) - {"_target_"}
    parameters = inspect.signature(get_method(cfg.reader._target_)).parameters
    assert options <= set(parameters)
    assert ("target" in cfg) == ("target" in options)
    required = {key for key, parameter in parameters.items() if parameter.default is parameter.empty}
    assert required <= options
    if name == "table":
        assert cfg.card is None
        assert options == set(parameters)
    else:
        path = OmegaConf.to_container(cfg, resolve=False)["reader"]["path"]
        assert path == "${paths.data}/" + card(cfg.card).folder


SEVERAL_TARGETS = {
    "annotators_with_attitudes",
    "demo",
    "disaggregated_offensiveness",
    "snow2008",
    "dices_350",
    "dices_990",
    "ghc",
    "goemotions",
    "hs_brexit",
    "perspective_taking_toxicity",
    "popquorn_offensiveness",
    "popquorn_politeness",
    "tweet_annotation_sensitivity",
}


@pytest.mark.parametrize("name", [name for name in CONFIGS if name not in SEVERAL_TARGETS])
def test_a_corpus_with_one_target_refuses_the_choice_of_another(name):
    with pytest.raises(ConfigError, match=r"there is no option data\.target"):
        compose("train", [f"data={name}", "data.target=nonsense"])


@pytest.mark.parametrize("name", sorted(SEVERAL_TARGETS))
def test_the_target_reaches_the_reader(name):
    assert compose("train", [f"data={name}", "data.target=other"]).data.reader.target == "other"


@pytest.mark.parametrize("name", [name for name in CONFIGS if name != "table"])
def test_without_files_the_message_says_what_to_put_where(tmp_path, name):
    with pytest.raises(MissingData) as caught:
        loaded(tmp_path, name)
    known = card(name)
    assert f"put these files from {known.url} into {tmp_path}/{known.folder}" in str(caught.value)
    assert all(file in str(caught.value) for file in known.files)


def test_the_generic_configuration_reads_a_file_named_on_the_command_line(tmp_path):
    (tmp_path / "mine.csv").write_text("item_id,annotator_id,rating,text\n1,x,0,Tea\n1,y,1,Tea\n")
    overrides = [f"data.reader.path={tmp_path}/mine.csv", "data.reader.columns.label=rating"]
    assert loaded(tmp_path, "table", *overrides).labels.tolist() == [0, 1]


# The published files. ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", EXPECTED, ids=" ".join)
def test_published_files_have_the_known_counts(real_data, key):
    expected = EXPECTED[key]
    annotations = loaded(real_data, *key)
    sizes = len(annotations.items), len(annotations.annotators), len(annotations)
    assert sizes == (expected.items, expected.annotators, expected.annotations)
    if expected.labels and key != ("md_agreement",):
        assert annotations.annotations["label"].value_counts().to_dict() == expected.labels
    if expected.splits:
        assert annotations.items["split"].value_counts().to_dict() == expected.splits
    else:
        assert "split" not in annotations.items


def test_hs_brexit_has_two_groups_of_three_and_another_target(real_data):
    hate = loaded(real_data, "hs_brexit")
    groups = hate.annotators["group"].value_counts()
    assert groups.tolist() == [3, 3]
    rates = [(hate.labels[hate.annotator_index == person] == 1).mean() for person in range(6)]
    assert np.round(rates, 3).tolist() == [0.045, 0.054, 0.063, 0.204, 0.245, 0.165]
    aggressive = loaded(real_data, "hs_brexit", "data.target=aggressive language detection")
    assert aggressive.annotations["label"].value_counts().to_dict() == {"0": 5967, "1": 753}
    assert "official_label" not in aggressive.items
    assert hate.items["official_label"].value_counts().to_dict() == {"0": 1011, "1": 109}


def test_md_agreement_counts_the_person_listed_twice_once(real_data):
    annotations = loaded(real_data, "md_agreement")
    counted = annotations.annotations["label"].value_counts()
    published = pd.Series(EXPECTED[("md_agreement",)].labels)
    assert (published - counted).sum() == 1
    assert any("1 repeated annotation(s) with equal labels" in note for note in annotations.notes)


def test_attributes_of_real_people(real_data):
    csc = loaded(real_data, "csc")
    assert any("32 annotator(s) have no demographic record" in note for note in csc.notes)
    # 17 missing, 5 expired, 3 revoked, 32 without a record.
    assert csc.annotators["gender"].value_counts().to_dict() == {"Male": 418, "Female": 397, "unknown": 17 + 5 + 3 + 32}
    mp = loaded(real_data, "multipico")
    assert mp.notes == ()
    assert mp.annotators["gender"].value_counts().to_dict() == {"Male": 274, "Female": 230, "unknown": 2}
    ethnicity = {"White": 315, "Other": 66, "Mixed": 64, "Asian": 44, "Black": 13, "unknown": 4}
    assert mp.annotators["ethnicity_simplified"].value_counts().to_dict() == ethnicity
    languages = {"es": 1709, "en": 1079, "de": 862, "ar": 782, "pt": 708, "fr": 623, "nl": 363, "it": 354, "hi": 281}
    assert mp.items["language"].value_counts().to_dict() == languages
    popquorn = loaded(real_data, "popquorn_offensiveness")
    assert popquorn.annotators["gender"].value_counts().to_dict() == {"Woman": 131, "Man": 124, "Non-binary": 7}
    assert popquorn.annotators["age"].nunique() == 10
    gwsd = loaded(real_data, "gwsd")
    people = gwsd.annotators
    assert (people["over34"] == "yes").mean().round(2) == 0.48
    assert (people["gender"] == "male").mean() == 0.625
    shares = people["party"].value_counts(normalize=True)
    assert shares["democrat"] == pytest.approx(0.46)
    assert shares["independent"] == pytest.approx(0.2875)
    assert shares["unknown"] == pytest.approx(16 / 400)


def test_varierr_has_75_sets_of_several_labels(real_data):
    annotations = loaded(real_data, "varierrnli")
    assert (annotations.indicator().sum(axis=1) > 1).sum() == 75
    assert annotations.items["group"].nunique() == 480  # 8 premises stand in two splits


def test_dices_positions_agree_with_gold_as_known(real_data):
    annotations = loaded(real_data, "dices_350")
    assert annotations.items["gold"].value_counts().to_dict() == {"No": 175, "Yes": 175}
    shares = annotations.soft_labels()
    tied = (shares == shares.max(axis=1, keepdims=True)).sum(axis=1) > 1
    most = np.array(annotations.scale.levels)[shares.argmax(axis=1)]
    # The conversion's own majority agrees 229 times: it calls one of the two ties (both 56 to 56, gold Yes) a Yes.
    assert (annotations.items["gold"] == most).to_numpy()[~tied].sum() == 228
    assert tied.sum() == 2
    always_no = annotations.annotations.groupby("annotator_id")["label"].agg(lambda labels: (labels == "No").all())
    assert always_no["rater_061"]


def test_gwsd_long_responses_equal_the_wide_file(real_data):
    annotations = loaded(real_data, "gwsd")
    wide = pd.read_csv(real_data / "gwsd" / "GWSD.tsv", sep="\t").set_index("guid")
    wide = wide[~wide["sent_id"].str.startswith("s")]
    counts = wide[[f"worker_{k}" for k in range(8)]].apply(lambda row: row.value_counts(), axis=1).fillna(0)
    shares = annotations.soft_labels() * 8
    expected = counts.loc[annotations.items["item_id"], list(annotations.scale.levels)].to_numpy()
    assert np.allclose(shares, expected)


def test_pilot_shares_of_women_and_men_are_the_published_ones(real_data):
    annotations = loaded(real_data, "perspective_taking_toxicity")
    gender = annotations.annotators["gender"].to_numpy()[annotations.annotator_index]
    for value, column in (("Female", "pos_f"), ("Male", "pos_m")):
        share = annotations.select(gender == value).soft_labels()[:, 1]
        assert np.abs(share - annotations.items[column]).max() < 1e-6
    assert annotations.annotators["gender"].value_counts().to_dict() == {"Female": 274, "Male": 271}


def test_formal_round_has_one_impossible_age_and_disagreeing_repeats(real_data):
    formal = loaded(real_data, *FORMAL, "data.target=answer_m")
    assert formal.annotators["age"].max() <= 100
    assert any("12 later, different label(s)" in note for note in formal.notes)
    with pytest.raises(DataError, match=r"choose data\.duplicates=first or data\.duplicates=keep"):
        loaded(real_data, FORMAL[0], FORMAL[1])


def test_rates_by_condition_are_the_known_ones(real_data):
    annotations = loaded(real_data, "tweet_annotation_sensitivity")
    table = annotations.annotations
    rates = (table["label"] == "1").groupby(table["condition"]).mean().round(3)
    assert rates.to_dict() == {"A": 0.268, "B": 0.296, "C": 0.282, "D": 0.335, "E": 0.318}
    people = {"A": 184, "B": 183, "C": 182, "D": 179, "E": 189}
    assert annotations.annotators["condition"].value_counts().to_dict() == people


def test_xhate_rounds_agree_as_often_as_known(real_data):
    annotations = loaded(real_data, "xhate_stability")
    table = annotations.annotations.pivot(index=["item_id", "annotator_id"], columns="round", values="label")
    assert (table[1] == table[2]).mean() == pytest.approx(0.793, abs=5e-4)
    assert (table[1] == "Hateful").sum() == 1042
    languages = annotations.items["languages"].value_counts().to_dict()
    assert languages == {"en-en": 25, "de-en": 24, "en-de": 23, "de-de": 23}


def test_hatecheck_annotators_are_as_accurate_as_known(real_data):
    annotations = loaded(real_data, "hatecheck")
    gold = annotations.items["gold"].to_numpy()[annotations.item_index]
    table = annotations.annotations
    accuracy = (table["label"] == gold).groupby(table["annotator_id"]).mean().round(3)
    assert accuracy[["label_2", "label_8", "label_7", "label_9"]].tolist() == [0.950, 0.998, 0.961, 0.973]
    assert annotations.items["functionality"].nunique() == 29
    assert annotations.items["gold"].value_counts().to_dict() == {"hateful": 2659, "non-hateful": 1242}


def test_attitudes_go_with_ratings_as_known(real_data):
    annotations = loaded(real_data, "annotators_with_attitudes")
    people = annotations.annotators
    assert people["gender"].value_counts().to_dict() == {"woman": 347, "man": 288, "NB": 6}
    assert people["race"].isin(["white", "black"]).sum() == 546 + 83
    of_black_people = (annotations.items["category"] == "targetsBlackPeople").to_numpy()[annotations.item_index]
    rating = annotations.scale.values[annotations.labels[of_black_people]]
    rows = people.iloc[annotations.annotator_index[of_black_people]]
    known = {"racist_beliefs": -0.451, "free_speech": -0.367, "harm_of_hate_speech": 0.414, "politics": -0.346}
    for belief, expected in known.items():
        held = rows[belief].notna().to_numpy()
        assert np.corrcoef(rating[held], rows[belief][held])[0, 1] == pytest.approx(expected, abs=6e-4)


def test_disaggregated_posts_have_the_published_aggregates(real_data):
    posts = loaded(real_data, "disaggregated_offensiveness", "data.target=toxic")
    assert posts.items["official_label"].value_counts().to_dict() == {"toxic": 1125, "not_toxic": 674}
    raters = np.bincount(posts.item_index, minlength=len(posts.items))
    assert np.bincount(raters).tolist() == [3, 19, 60, 187, 532, 1182]


def test_statements_and_their_experts_are_the_known_ones(real_data):
    for scale in ("S3", "S6", "S100"):
        items = loaded(real_data, "crowd_truthfulness", f"data.reader.scale={scale}").items
        assert items["source"].value_counts().to_dict() == {"Politifact": 120, "ABC": 60}
        assert set(items["politifact_label"].value_counts()) == {20}
        assert set(items["abc_label"].value_counts()) == {20}


def test_snows_crowd_agrees_with_experts_as_known(real_data):
    known = {"anger": 0.711, "disgust": 0.765, "fear": 0.699, "joy": 0.640, "sadness": 0.792, "surprise": 0.526,
             "valence": 0.850}  # fmt: skip
    for target, expected in known.items():
        crowd = loaded(real_data, "snow2008", f"data.target={target}")
        means = pd.Series(crowd.labels).groupby(crowd.item_index).mean()
        assert np.corrcoef(means, crowd.items["gold"])[0, 1] == pytest.approx(expected, abs=6e-4)


def test_rows_without_an_annotator_are_reported_through_the_generic_reader(real_data, tmp_path):
    # A generation task without ratings: it serves to see what missing annotator ids lead to.
    file = pd.read_csv(real_data / "popquorn_email_rewriting" / "raw_data.csv", dtype="str")
    file.assign(label="1").to_csv(tmp_path / "rewriting.csv", index=False)
    columns = "{item_id: instance_id, annotator_id: user_id, label: label, text: original email}"
    with pytest.raises(DataError, match=r"annotator_id is empty at rewriting\.csv:\d+, .* \(80 in all\)"):
        loaded(
            tmp_path,
            "table",
            f"data.reader.path={tmp_path}/rewriting.csv",
            f"data.reader.columns={columns}",
            "data.reader.levels=[0,1]",
        )
