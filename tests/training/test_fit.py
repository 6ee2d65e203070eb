"""Training end to end, on every kind of data and split, with what it promises checked from outside."""

import json
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from running import FINETUNE, TINY, answers, places, rebuilt, results, train

from perspectives.cli import main
from perspectives.config import compose
from perspectives.data.batches import Batches
from perspectives.data.load import load
from perspectives.errors import ConfigError, RunError
from perspectives.training.rebuilding import load_model

WORDS = ("tea", "soup", "rain", "music", "bread", "winter", "garden", "river")
QUICK = (*TINY, "trainer.max_epochs=2")


def table(tmp_path, label, items=40, people=8):
    """A corpus in a CSV file: everyone labels every text with `label(rng, text, person)`."""
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(WORDS, 4)) + f" {n}" for n in range(items)]
    rows = [
        {"item_id": f"i{i}", "annotator_id": f"p{p}", "text": text, "label": label(rng, text, p)}
        for i, text in enumerate(texts)
        for p in range(people)
    ]
    path = tmp_path / "corpus.csv"
    pd.DataFrame(rows).to_csv(path, index=False)
    return ["debug=short", "data=table", f"data.reader.path={path}", "trainer.batch_size=8"]


# Kinds of data. ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["multitask", "softlabel", "majority", "priors"])
def test_sets_of_levels(tmp_path, model):
    def label(rng, text, person):
        chosen = [level for level in ("agrees", "neutral", "differs") if rng.random() < 0.5]
        return "|".join(chosen or ["neutral"])

    options = [*table(tmp_path, label), "data.reader.kind=multilabel", "data.reader.separator=|", f"model={model}"]
    run = train(tmp_path, *options)
    for predictions in run.predictions().values():
        assert predictions.kind == "multiple"
        assert predictions.values.shape == (8 * 8, 3)
        assert ((predictions.values >= 0) & (predictions.values <= 1)).all()
    assert 0 <= next(iter(run.metrics["predictions"].values()))["test"]["metrics"]["soft/manhattan"]["value"] <= 2


@pytest.mark.parametrize("model", ["multitask_shared", "softlabel", "majority", "priors"])
def test_ratings_learn_who_is_strict(tmp_path, model):
    options = table(tmp_path, lambda rng, text, person: 30 + 5 * person + rng.integers(3))
    scale = ["data.reader.kind=interval", "data.reader.low=0", "data.reader.high=100"]
    training = ["optim.lr=0.01", "trainer.max_epochs=20", "trainer.patience=20"]
    run = train(tmp_path, *options, *scale, *training, f"model={model}")
    for predictions in run.predictions().values():
        assert predictions.kind == "rating"
        assert predictions.values.shape == (8 * 8, 1)
    if model == "multitask_shared":
        found = pd.Series(answers(run).ratings()).groupby(answers(run).annotator_index).mean()
        assert np.corrcoef(found, np.arange(8))[0, 1] > 0.9
        assert json.loads((run.folder / "metrics.json").read_text())["temperature"] == 1


@pytest.mark.parametrize(("target", "labels"), [("null", "0,1"), ("aggressive language detection", "1,1")])
def test_several_targets_of_one_corpus(tmp_path, target, labels):
    other = {"other annotations": {"aggressive language detection": "1,1"}}
    person = {"annotators group": "g1,g2", "g1": "target", "g2": "control"} | other
    for split, count in (("train", 12), ("dev", 4), ("test", 4)):
        entries = {
            str(n): {
                "text": f"{WORDS[n % 8]} in {split} {n}",
                "annotators": "Ann1,Ann2",
                "annotations": "0,1",
                "hard_label": "0",
                "soft_label": {"0": 0.5, "1": 0.5},
                "lang": "en",
                "other_info": person,
            }
            for n in range(count)
        }
        (tmp_path / f"HS-Brexit_{split}.json").write_text(json.dumps(entries))
    options = ["debug=short", "data=hs_brexit", f"data.reader.path={tmp_path}", f"data.target={target}"]
    run = train(tmp_path, *options)
    assert answers(run).pairs["label"].tolist() == labels.split(",") * 4


def test_unseen_people(tmp_path):
    run = train(tmp_path, *QUICK, "split=annotators")
    assert (answers(run).pairs["training_labels"] == 0).all()
    # no head of their own: everyone unseen gets the same answer about a text
    by_item = pd.DataFrame(answers(run).values).groupby(answers(run).item_index)
    assert by_item.std(ddof=0).max().max() < 1e-6
    assert by_item.size().max() > 1


def test_unseen_people_and_texts(tmp_path):
    run = train(tmp_path, *QUICK, "data.reader.items=200", "split=both")
    assert (answers(run).pairs["training_labels"] == 0).all()
    assert not set(answers(run).pairs["item_id"]) & set(answers(run, "validation").pairs["item_id"])
    assert any("dropped" in note for note in run.provenance["data"]["notes"])


# What the options promise. -----------------------------------------------------------------------------------------


def test_the_declared_batch_size_runs(tmp_path, monkeypatch):
    sizes, original = [], Batches._batch

    def counted(self, positions, number):
        sizes.append(len(positions))
        return original(self, positions, number)

    monkeypatch.setattr(Batches, "_batch", counted)
    train(tmp_path, *TINY, "trainer.max_epochs=1", "trainer.batch_size=7")
    assert sizes[:6] == [7, 7, 7, 7, 7, 1]  # 36 training items
    assert max(sizes) == 7


def test_dropout_is_on_and_drawn_by_the_seed(tmp_path):
    weights = []
    for seed in (0, 0, 1):
        # one batch of everything: the order of items cannot make the difference
        options = (*FINETUNE, "trainer.batch_size=100", "trainer.max_epochs=1", f"seed={seed}")
        weights.append(results(train(tmp_path / str(len(weights)), *options))["model.safetensors"])
    assert weights[0] == weights[1] != weights[2]


def test_accumulated_batches_give_the_losses_of_one_large_batch(tmp_path):
    # cached vectors: batches of 8 are then halves of the batches of 16
    losses = []
    for size in ("trainer.batch_size=16", "trainer.batch_size=8"):
        accumulate = f"trainer.accumulate={16 // int(size[-2:].strip('='))}"
        run = train(tmp_path, *TINY, "data.reader.items=100", size, accumulate)
        losses.append(pd.read_csv(run.folder / "history.csv"))
    one, two = losses
    assert one["step"].tolist() == two["step"].tolist() == [4, 8, 12]
    assert one["train_loss"].is_monotonic_decreasing
    for column in ("train_loss", "validation_loss"):
        np.testing.assert_allclose(one[column], two[column], rtol=1e-4)


def test_drawing_fewer_raters_keeps_the_scale_of_the_loss(tmp_path):
    run = train(tmp_path, *TINY, "trainer.raters_per_item=2", "optim.lr=1e-6")
    assert pd.read_csv(run.folder / "history.csv")["train_loss"].to_numpy() == pytest.approx(np.log(2), abs=1e-3)


@pytest.mark.parametrize("model", ["multitask", "softlabel"])
def test_everyone_agrees_with_the_observed_pairs(tmp_path, model):
    run = train(tmp_path, *QUICK, f"model={model}", "predictions.everyone=true")
    found = answers(run)
    everyone = np.load(run.folder / "predictions" / model / "test" / "everyone.npy")
    assert everyone.dtype == np.float32
    assert everyone.shape == (len(found.items), 1 if model == "softlabel" else len(found.annotators), 2)
    column = 0 if model == "softlabel" else found.annotator_index
    np.testing.assert_allclose(everyone[found.item_index, column], found.values, atol=1e-6)
    assert answers(run, "validation").everyone is None


def test_everyone_above_the_budget_is_refused_before_training(tmp_path, capsys):
    options = [*QUICK, "predictions.everyone=true", *places(tmp_path)]
    annotations = load(compose("train", options).data)
    cost = 4 * 12 * len(annotations.annotators) * 2  # 12 of 60 items are for testing
    assert main(["train", *options, f"predictions.max_bytes={cost - 1}"]) == 2
    err = capsys.readouterr().err
    assert f"everyone's answers would take {cost:,} bytes (12 × {len(annotations.annotators)} × 2 numbers)" in err
    assert f"predictions.max_bytes={cost - 1:,}; raise it" in err
    assert not list(tmp_path.rglob("config.yaml"))
    assert not list(tmp_path.rglob("*.ckpt"))
    assert main(["train", *options, f"predictions.max_bytes={cost}"]) == 0


def test_calibration_lowers_the_validation_loss_and_keeps_the_most_likely_label(tmp_path):
    options = (*TINY, "optim.lr=0.1", "trainer.max_epochs=10")
    runs = {choice: train(tmp_path, *options, f"calibrate={choice}") for choice in ("true", "false")}
    heat = {
        choice: json.loads((run.folder / "metrics.json").read_text())["temperature"] for choice, run in runs.items()
    }
    assert heat["false"] == 1
    assert abs(heat["true"] - 1) > 0.05

    def loss(choice):
        metrics = runs[choice].metrics["predictions"]["multitask"]["validation"]["metrics"]
        return metrics["individual/cross_entropy"]["value"]

    assert loss("true") < loss("false")
    found = {choice: answers(run) for choice, run in runs.items()}
    assert (found["true"].labels() == found["false"].labels()).all()
    np.testing.assert_allclose(found["false"].calibrated(heat["true"]).values, found["true"].values, atol=1e-6)
    assert found["true"].about["temperature"] == heat["true"]


def test_training_says_nothing_but_its_results(tmp_path, capfd):
    # progress bars are for terminals, which this is not
    for model in ("multitask", "priors"):
        assert main(["train", *QUICK, "trainer.progress=true", f"model={model}", *places(tmp_path)]) == 0
        out, err = capfd.readouterr()
        assert err == ""
        folder, *numbers = out.splitlines()
        assert folder.startswith(str(tmp_path / "runs" / "synthetic" / model))
        assert numbers
        assert all("individual/macro_f1 0." in line for line in numbers)


# Rebuilding. -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("encoder.cache=false",),
        ("encoder=ngrams", "encoder.features=300", "encoder.hidden=20"),
        ("encoder.tune=full",),
        ("encoder.tune=lora",),
        ("model=multitask_shared",),
        ("model=majority",),
    ],
)
def test_a_model_is_rebuilt_from_its_run(tmp_path, options):
    if "encoder.tune=lora" in options:
        pytest.importorskip("peft")
    run = train(tmp_path, *QUICK, "calibrate=false", "optim.lr=0.01", "optim.encoder_lr=0.01", *options)
    found = answers(run)
    assert found.values.std() > 1e-3  # it did learn something to be rebuilt
    np.testing.assert_allclose(rebuilt(run, found), found.values, atol=1e-6)


def test_runs_without_a_model_are_told_so(tmp_path):
    run = train(tmp_path, *TINY, "model=priors")
    with pytest.raises(RunError, match=r"has no model.safetensors; run its command again to finish the training"):
        load_model(run, pd.DataFrame({"text": ["tea"]}))
    with pytest.raises(RunError, match=r"x is not a run \(no config.yaml\)"):
        load_model(replace(run, folder=tmp_path / "x"), pd.DataFrame({"text": ["tea"]}))


def test_an_accelerator_that_is_not_there_is_refused(tmp_path):
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(
        ConfigError, match=r"trainer\.accelerator=gpu, but torch finds none on this machine; choose auto or cpu"
    ):
        train(tmp_path, *TINY, "trainer.accelerator=gpu")


@pytest.mark.parametrize(("model", "sees"), [("multitask", False), ("jury", True), ("multitask group_layers", True)])
def test_a_control_that_changes_nothing_says_so(tmp_path, model, sees):
    name, *layers = model.split()
    options = [f"model={name}", *(f"model.{layer}=gender" for layer in layers), "control=shuffled_demographics"]
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        train(tmp_path, *TINY, "trainer.max_epochs=1", *options)
    doubts = [str(one.message) for one in said if "shuffled_demographics has no effect" in str(one.message)]
    assert doubts == (
        [] if sees else [f"model={name} sees no demographics here, so control=shuffled_demographics has no effect"]
    )
