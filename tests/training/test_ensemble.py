"""One model per annotator: equal to separate trainings, resumed, refused when too many, and one method to the rest."""

import json
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from omegaconf import OmegaConf
from running import TINY, ended, places, started, train

from perspectives.cli import main
from perspectives.config import compose
from perspectives.data.scale import Scale
from perspectives.errors import ConfigError, DataError, DataWarning, RunError
from perspectives.evaluation.comparison import entries
from perspectives.metrics.calibration import temperature
from perspectives.models.ensemble import MEMBER, joined
from perspectives.predictions import Predictions
from perspectives.runs.run import find_runs, run_at
from perspectives.training.fit import fit, identity
from perspectives.training.rebuilding import load_model

WORDS = ("tea", "soup", "rain", "music", "bread", "winter", "garden", "river")
PEOPLE = ("ann", "bo", "cy", "di")
PARTS = ("train", "train", "train", "validation", "test")
# What somebody says of a text, on each kind of scale, and how to read it.
SCALES = {
    "nominal": (lambda rng, n: rng.choice(["no", "yes"], p=[n % 5 / 5, 1 - n % 5 / 5]), ()),
    "interval": (
        lambda rng, n: 20 * n + rng.integers(20),
        ("data.reader.kind=interval", "data.reader.low=0", "data.reader.high=100"),
    ),
    "multilabel": (
        lambda rng, n: "|".join(rng.permutation(["dull", "kind", "odd"])[: 1 + n % 2]),
        ("data.reader.kind=multilabel", "data.reader.separator=|"),
    ),
}


def remarks(said=SCALES["nominal"][0], items=50, people=PEOPLE):
    """A table of annotations in which everybody labels about two thirds of the texts; person n says `said(rng, n)`."""
    rng = np.random.default_rng(0)
    rows = []
    for item in range(items):
        text = " ".join(rng.choice(WORDS, 4)) + f" {item}"
        about = {"item_id": f"i{item}", "text": text, "split": PARTS[item % len(PARTS)]}
        labels = [(who, said(rng, n)) for n, who in enumerate(people, start=1) if rng.random() < 0.7]
        rows += [about | {"annotator_id": who, "label": label} for who, label in labels]
    return pd.DataFrame(rows)


def options(folder, table, *more):
    """Training on a table with the tiny encoder."""
    path = folder / "remarks.csv"
    table.to_csv(path, index=False)
    corpus = ("data=table", f"data.reader.path={path}", "data.reader.columns.split=split", "split=official")
    training = ("trainer.max_epochs=4", "trainer.patience=9", "trainer.batch_size=8", "optim.lr=0.05")
    return ("debug=short", *corpus, *training, *more)


def ensemble(folder, table, *more):
    return train(folder, *options(folder, table, "model=ensemble", *more))


def answers(run, part="test"):
    ((_, predictions),) = run.predictions(part).items()
    return predictions


def members(run):
    """Its members' runs by annotator, sorted."""
    found = find_runs([run.folder / "members"])
    return {
        one.config["model"]["annotator"]: one for one in sorted(found, key=lambda one: one.config["model"]["annotator"])
    }


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished")
    return folder, ensemble(folder, remarks(), "predictions.everyone=true")


# What it answers. --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", SCALES)
def test_each_answers_as_a_model_trained_on_a_corpus_without_the_others(tmp_path, kind):
    said, scale = SCALES[kind]
    table, found = remarks(said), {}
    run = ensemble(tmp_path, table, *scale, "calibrate=false")
    for who in PEOPLE:
        (tmp_path / who).mkdir()
        alone = options(tmp_path / who, table[table["annotator_id"] == who], *scale, "calibrate=false")
        found[who] = answers(train(tmp_path / who, *alone, "model=softlabel"))
    predictions = answers(run)
    for who, own in found.items():
        pairs = (predictions.pairs["annotator_id"] == who).to_numpy()
        assert predictions.pairs["item_id"][pairs].tolist() == own.pairs["item_id"].tolist()
        np.testing.assert_allclose(predictions.values[pairs], own.values, atol=1e-5)
        assert (predictions.pairs["training_labels"][pairs].to_numpy() == own.pairs["training_labels"].to_numpy()).all()
    assert pd.DataFrame(predictions.values).groupby(predictions.item_index).std().max().max() > 0.01
    assert predictions.kind == {"nominal": "categorical", "interval": "rating", "multilabel": "multiple"}[kind]


def test_people_without_a_member_get_the_weighted_mean_of_all():
    scale = Scale("nominal", ("no", "yes"))
    pairs = pd.DataFrame({"item_id": ["i0", "i1", "i1"], "annotator_id": ["new", "a", "b"], "label": ["no"] * 3})
    items, people = pairs[["item_id"]].drop_duplicates(ignore_index=True), pd.DataFrame({"annotator_id": list("ab")})
    people = pd.concat([people, pd.DataFrame({"annotator_id": ["new"]})], ignore_index=True)

    def says(first, second):
        yes = np.array([first, second, second], np.float32)
        return Predictions(scale, pairs.assign(training_labels=0), np.stack([1 - yes, yes], 1), items, people)

    found = joined([says(0.2, 0.4), says(0.8, 1.0)], pd.Series({"a": 30, "b": 10}), everyone=True)
    np.testing.assert_allclose(found.values[:, 1], [0.2 * 0.75 + 0.8 * 0.25, 0.4, 1.0], atol=1e-7)
    np.testing.assert_allclose(found.everyone[..., 1], [[0.2, 0.8, 0.35], [0.4, 1.0, 0.55]], atol=1e-7)
    np.testing.assert_allclose(found.everyone.sum(-1), 1, atol=1e-6)
    assert found.pairs["training_labels"].tolist() == [0, 30, 10]
    assert found.everyone.dtype == found.values.dtype == np.float32
    assert joined([says(0.2, 0.4)], pd.Series({"a": 30})).everyone is None


def test_people_never_seen_all_get_one_answer(tmp_path):
    table = remarks(people=tuple("abcdefghij"), items=30)
    run = ensemble(tmp_path, table, "split=annotators", "calibrate=false")
    found, own = answers(run), members(run)
    assert len(own) == 6  # of ten people in five folds
    assert not found.seen.any()
    weights = {who: len(table[table["annotator_id"] == who]) for who in own}
    said = [answers(member).values for member in own.values()]
    mean = np.average(said, axis=0, weights=[weights[who] for who in own])
    np.testing.assert_allclose(found.values, mean, atol=1e-6)
    assert found.values.std() > 0.01


def test_everyone_is_asked_and_agrees_with_the_observed_pairs(finished):
    _, run = finished
    found = answers(run)
    assert found.everyone.shape == (10, 4, 2)
    np.testing.assert_allclose(found.everyone[found.item_index, found.annotator_index], found.values, atol=1e-6)
    assert answers(run, "validation").everyone is None


def test_the_temperature_is_fitted_once_on_the_joint_answers(finished):
    _, run = finished
    heat = json.loads((run.folder / "metrics.json").read_text())["temperature"]
    parts = {
        who: (answers(one, "validation"), answers(one), json.loads((one.folder / "metrics.json").read_text()))
        for who, one in members(run).items()
    }
    assert {metrics["temperature"] for _, _, metrics in parts.values()} == {1.0}
    for part, position in (("validation", 0), ("test", 1)):
        found = answers(run, part)
        raw = np.stack([parts[who][position].values[n] for n, who in enumerate(found.pairs["annotator_id"])])
        if part == "validation":
            assert temperature(raw, found.observed) == pytest.approx(heat)
            assert abs(heat - 1) > 0.01
        np.testing.assert_allclose(replace(found, values=raw).calibrated(heat).values, found.values, atol=1e-6)


# Whom a member learns from. ----------------------------------------------------------------------------------------


def test_a_member_sees_the_labels_of_one_person_and_all_train_texts(tmp_path):
    table = remarks()
    run = ensemble(tmp_path, table, "encoder=ngrams", "encoder.hidden=8")
    train_texts = table["text"][table["split"] == "train"].str.lower().str.cat(sep=" ")
    numbers = {number for number in train_texts.split() if number.isdigit() and len(number) == 2}
    for who, member in members(run).items():
        own = table[(table["annotator_id"] == who) & (table["split"] == "train")]
        schema = json.loads((member.folder / "schema.json").read_text())
        assert (schema["annotators"], schema["training_labels"]) == ([who], [len(own)])
        assert numbers <= json.loads((member.folder / "ngrams.json").read_text()).keys()
        pairs = answers(member).pairs
        assert set(pairs["annotator_id"][pairs["training_labels"] > 0]) == {who}


def validation_losses(folder, table, who, *more):
    """The validation loss by epoch of one person's member."""
    return pd.read_csv(members(ensemble(folder, table, *more))[who].folder / "history.csv")["validation_loss"]


def test_who_has_no_validation_labels_is_validated_on_those_of_all(tmp_path):
    table = remarks(lambda rng, n: "no" if n == 4 else "yes")  # all but the fourth say yes
    mute = table[(table["annotator_id"] != "di") | (table["split"] != "validation")]
    losses = {}
    for name, corpus in (("own", table), ("none", mute)):
        (tmp_path / name).mkdir()
        losses[name] = validation_losses(tmp_path / name, corpus, "di")
    assert losses["own"].iloc[-1] < np.log(2) < losses["none"].iloc[-1]


def test_one_label_in_training_and_none_in_validation_are_enough(tmp_path):
    table = remarks()
    first = table[(table["annotator_id"] == "ann") & (table["split"] == "train")].head(1)
    run = ensemble(tmp_path, pd.concat([first, table[table["annotator_id"] != "ann"]]))
    assert len(members(run)) == 4
    assert answers(run).values.std() > 0


@pytest.mark.filterwarnings("ignore:model.class_weights bias")
def test_easy_first_labels_are_not_taken_for_divergence(tmp_path):
    # bo says 50.1 of everything, the middle, and is validated on people who never do
    scale = SCALES["interval"][1]
    table = remarks(lambda rng, n: 50.1 if n == 2 else 100 * rng.integers(2))
    ratings = table[(table["annotator_id"] != "bo") | (table["split"] != "validation")]
    losses = validation_losses(tmp_path, ratings, "bo", *scale)
    assert losses.min() > 100 * 0.1
    # di says no; its balanced weight of yes, which it never says, is the number of its labels
    table = remarks(lambda rng, n: "no" if n == 4 else "yes", items=300)
    mute = table[(table["annotator_id"] != "di") | (table["split"] != "validation")]
    more = ("model.class_weights=balanced", "data.reader.levels=[no,yes]")
    losses = validation_losses(tmp_path, mute, "di", *more)
    assert losses.min() > 100 * np.log(2)


def level_counts(run):
    """[member, level] of the labels each member was trained on."""
    found = [json.loads((one.folder / "schema.json").read_text()) for one in members(run).values()]
    return np.array([schema["level_counts"] for schema in found])


def test_ids_are_shuffled_among_all_before_members_are_chosen(tmp_path):
    table = remarks(lambda rng, n: ("no", "yes")[n % 2])  # who is asked is all there is to know
    before, after = (level_counts(ensemble(tmp_path, table, f"control={one}")) for one in ("none", "shuffled_ids"))
    assert (before.min(1) == 0).all()
    assert (after.min(1) > 0).all()
    assert (before.sum(0) == after.sum(0)).all()
    assert (before.sum(1) == after.sum(1)).all()


# Cost, and being stopped. ------------------------------------------------------------------------------------------


def test_a_size_nobody_meant_is_refused_with_its_cost(tmp_path):
    more = options(tmp_path, remarks(), "model=ensemble")
    expected = (
        r"model=ensemble trains a model for each of the 4 annotators of table: 4 trainings, more than "
        r"model\.max_members=3; set model\.max_members=4, or use model=multitask, one model with a head for each"
    )
    with pytest.raises(ConfigError, match=expected):
        train(tmp_path, *more, "model.max_members=3")
    assert not list(tmp_path.rglob("config.yaml"))
    run = train(tmp_path, *more, "model.max_members=4")
    assert len(members(run)) == 4
    assert {path.name for path in (run.folder / "members").iterdir()} == {"table", "trials.jsonl"}
    with pytest.raises(ConfigError, match=r"model\.max_members is 0; expected a whole number from 1"):
        train(tmp_path, *more, "model.max_members=0", "seed=1")


def test_the_limit_is_no_part_of_what_the_run_is_named_by(tmp_path):
    folders = {
        run_at("runs", identity(compose("train", ["model=ensemble", f"model.max_members={n}"])), "0").folder
        for n in (20, 60)
    }
    assert len(folders) == 1


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (("model.objective=ordinal",), r"model\.objective='ordinal' does not fit labels of kind nominal"),
        (
            ("predictions.everyone=true", "predictions.max_bytes=319"),
            r"everyone's answers would take 320 bytes \(10 × 4 × 2 numbers\)",
        ),
    ],
)
def test_what_members_would_refuse_is_refused_before_there_is_a_run(tmp_path, more, expected):
    with pytest.raises(ConfigError, match=expected):
        ensemble(tmp_path, remarks(), *more)
    assert not list(tmp_path.rglob("config.yaml"))


def outcome(run):
    """All that the ensemble and its members found, by file."""
    files = {str(path.relative_to(run.folder)): path for path in run.folder.rglob("*") if path.is_file()}
    kept = ("predictions/", "model.safetensors", "history.csv", "schema.json")
    found = {name: path.read_bytes() for name, path in files.items() if any(one in name for one in kept)}
    for name in ("metrics.json", *(name for name in files if name.endswith("/metrics.json"))):
        metrics = json.loads(files[name].read_text())
        assert metrics.pop("throughput")["encode_seconds"] > 0
        found[name] = metrics
    return found


@pytest.mark.parametrize(
    ("at", "count", "trained"),
    [
        ("perspectives.models.base:AnnotatorModel.training_step", 4 * 3 + 6, 1),  # 4 epochs of 3 batches: the second
        ("perspectives.runs.run:Run.finish", 3, 2),
        ("perspectives.training.fit:log_trial", 5, 4),
    ],
)
def test_killed_and_resumed(tmp_path, finished, at, count, trained):
    more = options(tmp_path, remarks(), "model=ensemble", "predictions.everyone=true")
    killed = tmp_path / "killed"
    assert ended(started(killed, *more, at=at, count=count)) == -signal.SIGKILL
    (run,) = find_runs([killed / "runs"])
    assert not run.finished
    done = {one.folder / "metrics.json" for one in members(run).values() if one.finished}
    assert len(done) == trained
    before = {path: path.stat().st_mtime_ns for path in done}
    found, whole = outcome(train(killed, *more)), outcome(finished[1])
    assert len(found) == len(whole) == 10 + 4 * 12
    assert [name for name in whole if found[name] != whole[name]] == []
    assert {path: path.stat().st_mtime_ns for path in done} == before
    assert len((killed / "runs" / "trials.jsonl").read_text().splitlines()) == 1


# One method to everything else. ------------------------------------------------------------------------------------


def test_members_are_no_runs_of_their_own(tmp_path, capsys):
    more = options(tmp_path, remarks(), "model=ensemble", "split=items", "trainer.max_epochs=1")
    runs = [train(tmp_path, *more, f"split.fold={fold}", f"seed={seed}") for fold in (0, 1) for seed in (0, 1)]
    assert [run.folder for run in find_runs([tmp_path / "runs"])] == sorted(run.folder for run in runs)
    assert [run.folder for run in find_runs([runs[0].folder])] == [runs[0].folder]
    found, _ = entries([tmp_path / "runs"])
    (entry,) = (one for one in found if one.kind == "model")
    assert (entry.name, entry.folds, len(entry.evaluations)) == ("ensemble", 2, 2)
    assert main(["compare", str(tmp_path / "runs")]) == 0
    assert [line.startswith("ensemble") for line in capsys.readouterr().out.splitlines()].count(True) == 1
    tried = [json.loads(line)["run"] for line in (tmp_path / "runs" / "trials.jsonl").read_text().splitlines()]
    assert sorted(run for run in tried if "priors" not in run) == sorted(run.folder.name for run in runs)


def test_its_run_holds_what_others_hold(finished):
    folder, run = finished
    assert {path.name for path in run.folder.iterdir()} == {
        *(".lock", "config.yaml", "provenance.json", "metrics.json", "predictions", "members")
    }
    assert run.config["model"]["name"] == "ensemble"
    assert answers(run).about | {"temperature": 0} == {
        "method": "ensemble", "seed": 0, "temperature": 0, "data": "table", "split": "official", "fold": None,
        "group_by": None, "part": "test",
    }  # fmt: skip
    throughput, *each = (one.metrics["throughput"] for one in (run, *members(run).values()))
    assert throughput["train_seconds"] == pytest.approx(sum(one["train_seconds"] for one in each))
    trained = sum(one["train_seconds"] * one["annotations_per_second"] for one in each)
    assert throughput["train_seconds"] * throughput["annotations_per_second"] == pytest.approx(trained)
    assert (
        main(["train", *options(folder, remarks(), "model=ensemble", "predictions.everyone=true"), *places(folder)])
        == 0
    )


def test_members_are_not_sent_to_trackers(tmp_path):
    pytest.importorskip("wandb")
    run = ensemble(tmp_path, remarks(), "logger=wandb")
    assert len(list(run.folder.glob("wandb/offline-run-*"))) == 1
    assert {one.config["logger"]["name"] for one in members(run).values()} == {"csv"}
    assert all(one.config["model"]["name"] == MEMBER for one in members(run).values())


def test_an_ensemble_is_not_one_model(finished):
    _, run = finished
    with pytest.raises(RunError, match=r"is an ensemble of several models; load one of the runs in its folder m"):
        load_model(run, pd.DataFrame({"text": ["tea"]}))
    (member, *_) = members(run).values()
    model, _ = load_model(member, pd.DataFrame({"text": ["tea"]}))
    assert not model.training


def test_what_holds_for_all_members_is_said_once(tmp_path):
    with pytest.warns(DataWarning) as said:
        ensemble(tmp_path, remarks(), "model.class_weights=balanced")
    assert [str(one.message)[:24] for one in said].count("model.class_weights bias") == 1


def test_adaptation_is_said_to_change_nothing(tmp_path):
    more = (*TINY, "data.reader.annotators=8", "model=ensemble", "split=annotators", "split.shots=2", "adapt=2")
    with pytest.warns(DataWarning, match=r"model=ensemble cannot adapt to new people, so adapt=2 has no effect"):
        train(tmp_path, *more)


def test_unknown_targets_are_refused_with_what_there_is(tmp_path):
    config = compose("train", [*TINY, "model=majority", "model.target=median", *places(tmp_path)])
    with pytest.raises(ConfigError, match=r"model\.target='median' is unknown; choose annotator or one of majority, "):
        fit(config)


def test_a_member_of_somebody_without_labels_is_refused(tmp_path):
    config = compose("train", [*TINY, "model=softlabel", *places(tmp_path)])
    OmegaConf.set_struct(config, False)
    config.model = {**config.model, "name": MEMBER, "target": "annotator", "annotator": "nobody"}
    with pytest.raises(DataError, match=r"synthetic has nothing to learn from in train"):
        fit(config)


def test_importing_it_loads_no_torch():
    code = "import sys, perspectives.models.ensemble, perspectives.training.fit; print('torch' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"
