"""Trained models asked about texts, saved and loaded elsewhere: the same answers as their run gave."""

import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from omegaconf import OmegaConf
from running import TINY, train
from trained import SCALES, corpus, trained

from perspectives import TrainedModel
from perspectives.config import instantiate
from perspectives.data.load import load
from perspectives.errors import ConfigError, DataError, DataWarning, RunError
from perspectives.inference import trained_model
from perspectives.models import pretrained
from perspectives.predictions import answer_columns

NGRAMS = ("encoder=ngrams", "encoder.features=300", "encoder.hidden=20")
TUNED = ("encoder.tune=full",)
METHODS = ("softlabel", "multitask", "multitask_shared")
CASES = [
    *((method, kind, ()) for method in METHODS for kind in SCALES),
    *((method, None, encoder) for method in METHODS for encoder in (NGRAMS, TUNED)),
    *((method, None, ()) for method in ("majority", "embedding", "jury")),
    ("conditioned", None, TUNED),
]
FILES = {"README.md", "config.yaml", "metrics.json", "model.safetensors", "provenance.json", "schema.json"}

pytestmark = [
    pytest.mark.filterwarnings("ignore:encoder 'tiny' needs"),
    pytest.mark.filterwarnings("ignore:model .* gives everyone the same answer"),
    pytest.mark.filterwarnings("ignore:conditioned encodes"),
]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Two heads per person, everyone's answers kept; labels weigh people differently."""
    folder = tmp_path_factory.mktemp("run")
    return trained(folder, "predictions.everyone=true", "data.reader.annotators=30", "data.reader.items=80")


@pytest.fixture(scope="module")
def model(run):
    return TrainedModel.of(run)


def judged(run):
    return next(iter(run.predictions("test").values()))


def table(model, texts, **who) -> pd.DataFrame:
    return pd.concat(model.predict(texts, **who), ignore_index=True)


def values(answers: pd.DataFrame, model) -> np.ndarray:
    return answers[answer_columns(model.scale)].to_numpy(np.float64)


# The answers of the run. -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("method", "kind", "encoder"), CASES)
def test_an_exported_model_gives_the_calibrated_answers_of_its_run(tmp_path, method, kind, encoder):
    run = trained(tmp_path, f"model={method}", *encoder, kind=kind)
    found = judged(run)
    TrainedModel.of(run).save_pretrained(tmp_path / "saved")
    (run.folder / "model.safetensors").unlink()  # nothing comes from the run any more
    model = TrainedModel.from_pretrained(tmp_path / "saved")

    learned = {"ngrams.json", "ngrams.npz"} if encoder == NGRAMS else set()
    assert {path.name for path in (tmp_path / "saved").iterdir()} == FILES | learned
    if method in ("softlabel", "majority"):
        answers = table(model, found.items).set_index("item_id").loc[found.pairs["item_id"]]
        seen = np.ones(len(found), bool)
    else:
        names = json.loads((run.folder / "schema.json").read_text())["annotators"]
        people = dict(zip(names, model.schema.annotators, strict=True))
        seen = found.seen
        pairs = found.pairs[seen].assign(annotator_id=found.pairs["annotator_id"][seen].map(people))
        answers = pairs[["item_id", "annotator_id"]].merge(
            table(model, found.items, annotators="all"), "left", ["item_id", "annotator_id"]
        )
    assert seen.sum() > 50
    np.testing.assert_allclose(values(answers, model), found.values[seen], atol=1e-6, rtol=1e-6)
    assert found.values.std(0).max() > 1e-4  # it did learn something
    if found.kind == "rating":
        assert "label" not in answers
    else:
        assert found.about["temperature"] != 1
        assert answers["label"].map(as_label).tolist() == found.scale.decode(found.labels()[seen]).tolist()


def as_label(label):
    return label if isinstance(label, str) else tuple(label)


@pytest.mark.parametrize("unseen", ["mean", "group"])
def test_new_people_get_what_the_run_said_of_people_never_seen(tmp_path, unseen):
    options = ("split=annotators", "data.reader.annotators=40", f"model.unseen={unseen}")
    run = trained(tmp_path, *options)
    found, model = judged(run), TrainedModel.of(run)
    assert not found.seen.any()
    people = found.annotators[found.annotators["annotator_id"].isin(found.pairs["annotator_id"])]
    answers = table(model, found.items, people=people)
    answers = found.pairs[["item_id", "annotator_id"]].merge(answers, "left", ["item_id", "annotator_id"])
    np.testing.assert_allclose(values(answers, model), found.values, atol=1e-6)
    spread = answers.groupby("item_id")[answer_columns(model.scale)[0]].std().max()
    assert (spread > 1e-4) == (unseen == "group")


# Means over people. ------------------------------------------------------------------------------------------------


def mean_of_everyone(run, model, ids) -> np.ndarray:
    """From what the run stored of everyone: the mean over `ids`, weighted by training labels, [item, level]."""
    found, config = judged(run), OmegaConf.create(run.config)
    annotations = load(config.data)
    train = instantiate(config.split, annotations=annotations).rows("train")
    counts = annotations.annotations["annotator_id"].iloc[train].value_counts()
    ids = [one for one in ids if one in counts]
    assert counts[ids].std() > 1  # weights matter
    everyone = np.load(next(run.folder.glob("predictions/*/test/everyone.npy")))
    rows = pd.Index(found.annotators["annotator_id"]).get_indexer(ids)
    return np.average(everyone[:, rows].astype(np.float64), axis=1, weights=counts[ids])


def test_the_population_is_everyones_mean_weighted_by_training_labels(run, model):
    found = judged(run)
    answers = table(model, found.items)
    assert answers["group"].unique().tolist() == ["everyone"]
    expected = mean_of_everyone(run, model, found.annotators["annotator_id"])
    np.testing.assert_allclose(values(answers, model), expected, atol=1e-6)
    assert np.abs(expected - expected.mean(0)).max() > 1e-3


def test_groups_are_the_means_of_their_members(run, model):
    found = judged(run)
    answers = table(model, found.items, groups="gender=Woman; gender=Man")
    assert answers["group"].tolist() == ["gender=Woman", "gender=Man"] * len(found.items)
    for gender in ("Woman", "Man"):
        members = found.annotators.loc[found.annotators["gender"] == gender, "annotator_id"]
        own = answers[answers["group"] == f"gender={gender}"]
        np.testing.assert_allclose(values(own, model), mean_of_everyone(run, model, members), atol=1e-6)


# Pieces. -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoder", [(), NGRAMS])
def test_neither_chunks_nor_batches_change_answers(tmp_path, monkeypatch, encoder):
    model = TrainedModel.of(trained(tmp_path, *encoder))
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(["tea", "soup", "winter"], rng.integers(1, 30))) for _ in range(50)]
    whole = list(model.predict(texts, annotators="all"))
    assert len(whole) == 1
    monkeypatch.setattr(trained_model, "TEXTS_AT_ONCE", 7)
    model.batch_size = 3
    pieces = list(model.predict(texts, annotators="all"))
    assert len(pieces) == 8
    joined = pd.concat(pieces, ignore_index=True)
    assert joined["item_id"].tolist() == np.repeat(np.arange(1, 51), len(model.schema.annotators)).astype(str).tolist()
    np.testing.assert_allclose(values(joined, model), values(whole[0], model), atol=1e-6)
    alone = pd.concat(next(model.predict([text], annotators="all")) for text in texts[:5])
    np.testing.assert_allclose(values(alone, model), values(whole[0][: len(alone)], model), atol=1e-6)


def test_chunks_shrink_when_many_are_asked(model):
    one, everyone = model.asked(), model.asked(annotators="all")
    assert model.chunk_size(one) == trained_model.TEXTS_AT_ONCE
    many = trained_model.Asked("annotator_id", everyone.names * 1000, everyone.annotators)
    size = model.chunk_size(many)
    assert size * len(many.names) * 2 <= trained_model.NUMBERS_AT_ONCE < (size + 1) * len(many.names) * 2
    huge = trained_model.Asked("annotator_id", everyone.names * 100_000, everyone.annotators)
    assert model.chunk_size(huge) == model.batch_size


def test_vectors_of_new_texts_are_not_kept(tmp_path):
    run = trained(tmp_path)
    before = sorted(tmp_path.rglob("*.npy"))
    assert before  # those of the corpus are
    table(TrainedModel.of(run), ["tea", "soup"])
    assert sorted(tmp_path.rglob("*.npy")) == before


def test_pairs_of_texts(tmp_path):
    run = train(tmp_path, *corpus(tmp_path, "nominal"), "data.reader.columns.text_pair=reply", "optim.lr=0.05")
    model = TrainedModel.of(run)
    assert model.columns == ("text", "text_pair")
    model.save_pretrained(tmp_path / "saved")
    assert TrainedModel.of(tmp_path / "saved").columns == model.columns
    found = judged(run)
    answers = found.pairs[["item_id", "annotator_id"]].merge(table(model, found.items, annotators="all"))
    np.testing.assert_allclose(values(answers, model), found.values, atol=1e-6)
    with pytest.raises(DataError, match=r"the texts have no column text_pair; the model reads text and text_pair"):
        model.predict(["tea"])


def test_who_gives_everyone_the_same_answer_says_so(tmp_path):
    model = TrainedModel.of(trained(tmp_path, "model=softlabel"))
    with pytest.warns(DataWarning, match="^model softlabel gives everyone the same answer, whoever is asked$"):
        answers = table(model, ["tea"], annotators="all")
    assert len(answers) == len(model.schema.annotators)
    assert len(answers.drop(columns="annotator_id").drop_duplicates()) == 1


def test_questions_are_refused_at_once(model):
    with pytest.raises(ConfigError, match="annotators and groups are mutually exclusive"):
        model.predict(["tea"], annotators="all", groups="gender")
    with pytest.raises(DataError, match="there are no texts"):
        model.predict([])


# What is written. --------------------------------------------------------------------------------------------------


def test_nothing_of_this_machine_and_no_id_is_exported(run, model, tmp_path):
    provenance = run.provenance | {
        "command": f"perspectives train model=multitask paths.runs={tmp_path} data.reader.path='{tmp_path}/a b' seed=0 "
        "logger=wandb +logger.project=secret trainer.max_epochs=2"
    }
    (run.folder / "provenance.json").write_text(json.dumps(provenance))
    model.save_pretrained(tmp_path / "saved")
    ids = json.loads((run.folder / "schema.json").read_text())["annotators"]
    assert len(ids) > 20
    places = (str(tmp_path), str(run.folder.parents[2]), str(Path.home()), "secret", ".cache")
    for path in (tmp_path / "saved").iterdir():
        content = path.read_bytes().decode("utf-8", errors="replace")
        assert not [place for place in places if place in content], path.name
        assert not [one for one in ids if f'"{one}"' in content or f" {one} " in content], path.name
    command = json.loads((tmp_path / "saved" / "provenance.json").read_text())["command"]
    assert command == "perspectives train model=multitask 'data.reader.path=…' seed=0 trainer.max_epochs=2"
    config = yaml.safe_load((tmp_path / "saved" / "config.yaml").read_text())
    assert not {"paths", "logger", "hydra"} & set(config)
    assert config["data"]["name"] == "synthetic"


def test_ids_are_ordinals_unless_kept(run, model, tmp_path):
    ids = tuple(json.loads((run.folder / "schema.json").read_text())["annotators"])
    model.save_pretrained(tmp_path / "without")
    model.save_pretrained(tmp_path / "with", keep_ids=True)
    without, kept = (TrainedModel.of(tmp_path / name) for name in ("without", "with"))
    assert kept.schema.annotators == ids
    assert without.schema.annotators == tuple(f"annotator-{n:04d}" for n in range(1, len(ids) + 1))
    np.testing.assert_array_equal(without.schema.members, model.schema.members)
    renamed, original = (table(one, ["tea"], annotators="all") for one in (without, kept))
    np.testing.assert_array_equal(values(renamed, model), values(original, model))
    assert original["annotator_id"].tolist() == list(ids)
    assert "these are personal data" in " ".join((tmp_path / "with" / "README.md").read_text().split())


def test_an_export_is_exported_again_unchanged(model, tmp_path):
    model.save_pretrained(tmp_path / "a" / "saved")
    TrainedModel.of(tmp_path / "a" / "saved").save_pretrained(tmp_path / "b" / "saved", keep_ids=True)
    for path in (tmp_path / "a" / "saved").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / "saved" / path.name).read_bytes(), path.name


def test_an_existing_folder_is_left_alone(model, tmp_path):
    (tmp_path / "saved").mkdir()
    with pytest.raises(RunError, match=r"saved exists; choose another folder, or delete it"):
        model.save_pretrained(tmp_path / "saved")
    assert not list((tmp_path / "saved").iterdir())


def test_a_local_encoder_has_to_be_named_for_others(tmp_path):
    tokenizer, encoder = pretrained.tiny()
    tokenizer.save_pretrained(tmp_path / "encoder")
    encoder.save_pretrained(tmp_path / "encoder")
    model = TrainedModel.of(trained(tmp_path, f"encoder.name={tmp_path / 'encoder'}", "encoder.max_length=32"))
    with pytest.raises(ConfigError, match=r"encoder '.*/encoder' is a folder on this machine, which others cannot loa"):
        model.save_pretrained(tmp_path / "saved")
    assert not (tmp_path / "saved").exists()
    model.save_pretrained(tmp_path / "saved", encoder="owner/tiny")
    assert yaml.safe_load((tmp_path / "saved" / "config.yaml").read_text())["encoder"]["name"] == "owner/tiny"
    assert "Texts are encoded by `owner/tiny`." in (tmp_path / "saved" / "README.md").read_text()


def test_an_encoder_others_can_load_keeps_its_name(model, tmp_path):
    with pytest.raises(
        ConfigError, match=r"encoder='owner/other' would replace 'tiny', which others can load; leave i"
    ):
        model.save_pretrained(tmp_path / "saved", encoder="owner/other")


# What is refused. --------------------------------------------------------------------------------------------------


def test_runs_without_a_single_model_are_told_so(tmp_path):
    run = train(tmp_path, *TINY, "model=priors")
    said = r"holds no single trained model \(no model.safetensors\): priors have no weights; an ensemble's are in"
    with pytest.raises(RunError, match=said):
        TrainedModel.of(run)
    with pytest.raises(RunError, match=r"nowhere is not a run \(no config.yaml\)|nowhere/metrics.json|does not exist"):
        TrainedModel.of(tmp_path / "nowhere")


def test_an_unfinished_run_is_to_be_resumed(tmp_path):
    run = trained(tmp_path)
    (run.folder / "metrics.json").unlink()
    with pytest.raises(RunError, match=r"is unfinished; resume it with the command that began it"):
        TrainedModel.of(run.folder)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"encoder": {"_target_": "os.system"}}, r"_target_ os.system is outside perspectives; set PERSPECTIVES_T"),
        ({"model": {"_target_": "pandas.read_pickle"}}, r"_target_ pandas.read_pickle is outside perspectives"),
        ({"encoder": {"_target_": "perspectives.files.os.system"}}, r"_target_ .*os.system is not an encoder;"),
        ({"encoder": {"_target_": "perspectives.files.write_text"}}, r"write_text is not an encoder; the folder is"),
        ({"model": {"_target_": "perspectives.runs.run.Run"}}, r"model._target_ perspectives.runs.run.Run is not a m"),
        ({"model": {"_target_": "perspectives.models.no.Model"}}, r"models.no.Model cannot be imported: "),
        ({"encoder": {"name": {"_target_": "perspectives.files.write_text"}}}, r"encoder.name._target_=.* is not a"),
        ({"encoder": {"name": "${oc.env:HOME}"}}, r"encoder.name='\$\{oc.env:HOME\}' is not a plain value; the fol"),
        ({"optim": {"speed": 1}}, r"was trained by another version: optim differs in \['speed'\]; train it again"),
        ({"model": None}, r"config.yaml does not describe a trained model: parts missing"),
    ],
)  # fmt: skip
def test_a_configuration_may_name_a_model_and_an_encoder_and_nothing_else(model, tmp_path, monkeypatch, change, said):
    monkeypatch.delenv("PERSPECTIVES_TARGETS", raising=False)
    model.save_pretrained(tmp_path / "saved")
    config = yaml.safe_load((tmp_path / "saved" / "config.yaml").read_text())
    for part, options in change.items():
        config[part] = None if options is None else config[part] | options
    (tmp_path / "saved" / "config.yaml").write_text(yaml.safe_dump(config))
    with pytest.raises(ConfigError, match=said):
        TrainedModel.from_pretrained(tmp_path / "saved")


def test_new_combinations_of_demographic_values_are_warned_of(tmp_path):
    options = ("model=jury", "split=annotators", "data.reader.annotators=30", "data.reader.items=60")
    with pytest.warns(DataWarning, match=r"^\d+ of \d+ people in test have a combination .*=per_attribute does$"):
        run = train(tmp_path, *TINY, *options)
    model = TrainedModel.of(run)
    values = {attribute.name: attribute.values for attribute in model.schema.attributes}
    everybody = pd.MultiIndex.from_product(values.values(), names=values).to_frame(index=False)
    new = int((model.schema.encode(everybody.assign(annotator_id="x")).group == 0).sum())
    assert 0 < new < len(everybody)
    with pytest.warns(DataWarning, match=rf"^{new} of {len(everybody)} people have a combination of demographic"):
        model.asked(people=everybody)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".* have a combination of demographic values", category=DataWarning)
        model.asked(groups="gender")
        TrainedModel.of(train(tmp_path, *TINY, *options[1:], "model=multitask_shared")).asked(people=everybody)
