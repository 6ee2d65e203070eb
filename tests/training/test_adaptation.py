"""Adaptation to new people from a few of their labels: what it learns, what it leaves alone, and whole runs with it."""

import copy
import json
import signal
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
from running import TINY, ended, places, results, started, train
from safetensors.torch import load_file

from perspectives.cli import main
from perspectives.config import compose, instantiate
from perspectives.data.annotations import AnnotationSet, Tables
from perspectives.data.batches import Batch, Batches
from perspectives.data.load import load
from perspectives.data.scale import Scale
from perspectives.data.schema import Schema
from perspectives.errors import ConfigError, DataError, DataWarning
from perspectives.models.base import Optimization
from perspectives.models.embedding import Embedding
from perspectives.models.encoder import CachedContent
from perspectives.models.jury import Jury
from perspectives.models.multitask import MultiTask
from perspectives.models.softlabel import SoftLabel
from perspectives.runs.run import Run
from perspectives.training import adaptation
from perspectives.training.adaptation import adapt, adapt_to, introduce
from perspectives.training.rebuilding import load_model
from perspectives.training.training import Training

HIDDEN = 6
RATE = 0.02
CLASSES = {
    "multitask": MultiTask,
    "multitask_shared": partial(MultiTask, shared=True, deviation_decay=2.0),
    "embedding": Embedding,
    "jury": Jury,
}


def said(people: str, seed: int, items: int = 12) -> AnnotationSet:
    """Most of these people (a letter each) label most of the texts, at random on three levels."""
    rng = np.random.default_rng(seed)
    item, who = np.nonzero(rng.random((items, len(people))) < 0.7)
    scale = Scale("nominal", ("red", "green", "blue"))
    labels = scale.decode(rng.integers(0, 3, len(item)))
    rows = pd.DataFrame({"item_id": item, "annotator_id": [people[n] for n in who], "label": labels})
    texts = pd.DataFrame({"item_id": range(items), "text": [f"tea {n}" for n in range(items)]})
    about = pd.DataFrame({"annotator_id": list(people), "gender": "woman"})
    return AnnotationSet.from_tables(Tables(rows, texts, about, scale), "tiny")


KNOWN = said("abcde", 0)
NEW = said("xyz", 1)


def built(method: str, **options):
    """A model that has seen KNOWN, with random weights instead of trained ones."""
    content = CachedContent(np.random.default_rng(1).normal(size=(12, HIDDEN)).astype(np.float32))
    optimization = Optimization(RATE, 1e-4, RATE, 0.01, 0.0, "none", 1.0)
    model = (CLASSES | {"softlabel": SoftLabel})[method](content, Schema.of(KNOWN), optimization, **options)
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(0.3 * torch.randn(parameter.shape, generator=generator))
        if method == "multitask_shared":
            model.heads.table[0] = 0  # never trained
    return model.eval()


def content_of(model) -> torch.Tensor:
    return model.encode(Batch.of_texts(torch.arange(12))).detach()


def answers(model, annotators) -> torch.Tensor:
    """[item, annotator, level]"""
    with torch.no_grad():
        return model.everyone(content_of(model), annotators)


def batches(model, annotations: AnnotationSet, size: int = 64) -> Batches:
    rows = np.arange(len(annotations))
    return Batches(annotations, rows, model.schema.encode(annotations.annotators), size)


def of(annotations: AnnotationSet, person: str) -> AnnotationSet:
    """What one person said; all items stay, as their positions name the content."""
    rows = annotations.annotations["annotator_id"] == person
    people = annotations.annotators[annotations.annotators["annotator_id"] == person]
    return replace(annotations, annotations=annotations.annotations[rows], annotators=people.reset_index(drop=True))


@pytest.fixture(params=CLASSES)
def method(request) -> str:
    return request.param


# What is learned. --------------------------------------------------------------------------------------------------


def test_only_the_rows_of_new_people_change(method):
    model = built(method)
    before, known = copy.deepcopy(model.state_dict()), model.schema.training_annotators
    unknown = replace(known, code=known.code * 0)
    answered = answers(model, known), answers(model, unknown)
    people = adapt_to(model, NEW, epochs=3)
    assert people.code.tolist() == [6, 7, 8]
    ((table, start),) = model.annotator_tables()
    grown = 0
    for name, after in model.state_dict().items():
        if len(after) == len(before[name]):
            assert torch.equal(after, before[name]), name
        else:
            grown += 1
            assert after.shape == table.shape
            assert torch.equal(after[:6], before[name])
            assert ((after[6:] - start).abs().max(1).values > RATE / 2).all()
    assert grown == 1
    assert torch.equal(answers(model, known), answered[0])
    assert torch.equal(answers(model, unknown), answered[1])


def test_a_head_takes_the_steps_of_adamw_on_its_own_labels():
    model = built("multitask")
    counts = np.bincount(KNOWN.annotator_index)
    content = content_of(model)
    heads = model.heads.table[1:].detach().numpy()
    mean = torch.from_numpy(np.average(heads, axis=0, weights=counts)).float().view(3, HIDDEN + 1)
    people = adapt_to(model, NEW, epochs=5)
    for code, person in zip(people.code, "xyz", strict=True):
        labelled = of(NEW, person).annotations
        items, labels = labelled["item_id"].astype(int).tolist(), NEW.scale.encode(labelled["label"])
        weight, bias = (torch.nn.Parameter(part.clone()) for part in (mean[:, :-1], mean[:, -1]))
        optimizer = torch.optim.AdamW([weight, bias], lr=RATE, weight_decay=0.01)
        for _ in range(5):
            optimizer.zero_grad()
            logits = content[items] @ weight.T + bias
            torch.nn.functional.cross_entropy(logits, torch.from_numpy(labels), reduction="sum").backward()
            optimizer.step()
        row = model.heads.table[code].view(3, HIDDEN + 1)
        torch.testing.assert_close(row[:, :-1], weight, atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(row[:, -1], bias, atol=1e-5, rtol=1e-4)


def test_what_is_learned_of_one_person_depends_neither_on_others_nor_on_batches(method):
    together, apart = built(method), built(method)
    people = adapt_to(together, NEW, epochs=4)
    for position, person in enumerate("xyz"):
        alone = adapt_to(apart, of(NEW, person), epochs=4, batch_size=2)
        assert alone.code.tolist() == [6 + position]
        expected = answers(together, people[position : position + 1])
        torch.testing.assert_close(answers(apart, alone), expected, atol=1e-5, rtol=1e-4)


def test_the_longer_it_learns_the_likelier_it_finds_the_labels(method):
    losses = []
    for epochs in (0, 3, 10):
        model = built(method)
        strangers = answers(model, model.schema.encode(NEW.annotators))
        found = answers(model, adapt_to(model, NEW, epochs=epochs))
        losses.append(float(-found[NEW.item_index, NEW.annotator_index, NEW.labels].log().mean()))
        if epochs == 0 and method != "multitask":  # where the mean of all answers is not the answer of the mean head
            torch.testing.assert_close(found, strangers)
    assert losses[0] > losses[1] > losses[2]


def test_dropout_is_off_and_the_result_is_the_same_every_time(method):
    found = [built(method, dropout=share).train() for share in (0.0, 0.5, 0.5)]
    rows = []
    for model in found:
        adapt_to(model, NEW, epochs=3)
        rows.append(model.annotator_tables()[0][0].detach())
        assert not model.training
    assert torch.equal(rows[0], rows[1])
    assert torch.equal(rows[1], rows[2])


def test_validation_chooses_the_number_of_epochs(method, monkeypatch):
    monkeypatch.setattr(adaptation, "PATIENCE", 3)
    shots, held_out = said("xyz", 2), said("xyz", 3)
    model = built(method)
    introduce(model, shots)
    losses = adapt(model, batches(model, shots), batches(model, held_out), epochs=60)
    best = int(losses["validation_loss"].idxmin())
    assert len(losses) - 1 == min(best + 3, 60)
    assert losses["epoch"].tolist() == list(range(len(losses)))
    expected = built(method)
    adapt_to(expected, shots, epochs=best)
    assert torch.equal(model.annotator_tables()[0][0], expected.annotator_tables()[0][0])


@pytest.mark.parametrize("agreeing", [True, False])
def test_none_is_chosen_when_labels_mislead(agreeing):
    model = built("multitask_shared")
    introduce(model, NEW)
    other = NEW.scale.decode((NEW.labels + 1) % 3)
    held_out = NEW if agreeing else replace(NEW, annotations=NEW.annotations.assign(label=other))
    start = model.heads.table[6:].detach().clone()
    losses = adapt(model, batches(model, NEW), batches(model, held_out), epochs=8)
    assert torch.equal(model.heads.table[6:], start) != agreeing
    assert int(losses["validation_loss"].idxmin()) == (8 if agreeing else 0)
    if agreeing:
        np.testing.assert_allclose(losses["validation_loss"], losses["adaptation_loss"], rtol=1e-6)


def test_a_model_without_rows_for_people_stays_as_it_is():
    model = built("softlabel")
    before = copy.deepcopy(model.state_dict())
    introduce(model, NEW)
    losses = adapt(model, batches(model, NEW), batches(model, NEW), epochs=5)
    assert losses["epoch"].tolist() == [0]
    assert all(torch.equal(after, before[name]) for name, after in model.state_dict().items())


def test_people_who_are_known_or_were_not_introduced_are_refused():
    model = built("multitask")
    message = "1 of 3 people are known to the model; adapt it to new people only"
    with pytest.raises(DataError, match=message):
        adapt_to(model, said("xay", 1), epochs=1)
    assert model.heads.table.shape[0] == 6
    for strange in (NEW, said("abc", 4)):
        message = f"{len(strange)} annotations cannot be used for adaptation: their annotators were in training, or"
        with pytest.raises(DataError, match=message):
            adapt(model, batches(model, strange))


def test_the_schema_keeps_people_adapted_to_apart(tmp_path):
    model = built("multitask")
    adapt_to(model, NEW, epochs=1)
    schema = model.schema
    labelled = NEW.annotations["annotator_id"].value_counts()
    assert schema.adapted == ("x", "y", "z")
    assert schema.adaptation_labels.tolist() == [labelled[person] for person in "xyz"]
    assert schema.counts[6:].tolist() == [0, 0, 0]
    assert len(schema.training_annotators) == 5
    schema.save(tmp_path / "schema.json")
    loaded = Schema.load(tmp_path / "schema.json")
    assert loaded.people == tuple("abcdexyz")
    assert loaded.adaptation_labels.tolist() == schema.adaptation_labels.tolist()
    values = json.loads((tmp_path / "schema.json").read_text())
    del values["adapted"], values["adaptation_labels"]  # as an earlier version wrote it
    (tmp_path / "schema.json").write_text(json.dumps(values))
    assert Schema.load(tmp_path / "schema.json").people == tuple("abcde")


# Runs. -------------------------------------------------------------------------------------------------------------

PEOPLE = ("debug=short", "data.reader.items=400", "data.reader.annotators=40", "split=annotators", "split.shots=20")
MODEL = ("model=multitask_shared", "trainer.max_epochs=10")


def predictions_of(run: Run):
    ((_, found),) = run.predictions().items()
    return found


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> dict[int, Run]:
    """By the number of labels the model is adapted to."""
    folder = tmp_path_factory.mktemp("adapted")
    return {count: train(folder, *PEOPLE, *MODEL, "calibrate=false", f"adapt={count}") for count in (0, 1, 20)}


def test_twenty_labels_improve_what_is_said_of_new_people(runs):
    scores = [next(iter(runs[k].metrics["predictions"].values()))["test"]["metrics"] for k in (0, 20)]
    none, twenty = ({name: row["value"] for name, row in score.items()} for score in scores)
    assert twenty["individual/cross_entropy"] < none["individual/cross_entropy"] - 0.02
    assert twenty["individual/macro_f1"] > none["individual/macro_f1"] + 0.1


def test_every_number_of_labels_is_scored_on_the_same_pairs(runs):
    found = {count: predictions_of(run) for count, run in runs.items()}
    for count, predictions in found.items():
        assert predictions.same_pairs(found[0])
        assert not predictions.seen.any()
        assert predictions.about.get("adaptation_labels", 0) == count
        assert (
            runs[count]
            .predictions("validation")["multitask_shared"]
            .same_pairs(runs[0].predictions("validation")["multitask_shared"])
        )


def test_training_is_the_same_and_no_labels_are_no_adaptation(runs):
    before, after = (load_file(runs[count].folder / "model.safetensors") for count in (0, 20))
    trained = len(before["heads.table"])
    assert len(after["heads.table"]) == trained + 16
    assert before.keys() == after.keys()
    for name, tensor in before.items():
        assert torch.equal(tensor, after[name][:trained] if name == "heads.table" else after[name]), name
    assert Schema.load(runs[0].folder / "schema.json").adapted == ()
    assert not (runs[0].folder / "adaptation.csv").exists()
    found = predictions_of(runs[0])
    np.testing.assert_allclose(rebuilt(runs[20], found, known=False), found.values, atol=1e-6)


def test_an_adapted_model_is_rebuilt_from_its_run(runs):
    found = predictions_of(runs[20])
    schema = Schema.load(runs[20].folder / "schema.json")
    assert schema.adaptation_labels.tolist() == [20] * 16
    np.testing.assert_allclose(rebuilt(runs[20], found), found.values, atol=1e-6)
    assert np.abs(found.values - predictions_of(runs[0]).values).max() > 0.05


def rebuilt(run: Run, found, known: bool = True) -> np.ndarray:
    model, tokens = load_model(run, found.items[["text"]])
    table = found.annotators if known else found.annotators.assign(annotator_id="nobody")
    items = np.arange(len(found.items))
    batch = Batch.of_texts(torch.from_numpy(items), tokens and tokens.padded(items))
    pairs = torch.from_numpy(found.item_index), torch.from_numpy(found.annotator_index)
    with torch.inference_mode():
        return model.predict_pairs(model.encode(batch), model.schema.encode(table), *pairs).numpy()


def test_the_losses_say_how_long_it_took(runs):
    losses = pd.read_csv(runs[20].folder / "adaptation.csv")
    assert losses.columns.tolist() == ["epoch", "adaptation_loss", "validation_loss"]
    best = losses["validation_loss"].min()
    assert best < losses["validation_loss"][0]
    metrics = next(iter(runs[20].metrics["predictions"].values()))["validation"]["metrics"]
    assert metrics["individual/cross_entropy"]["value"] == pytest.approx(best, abs=1e-5)


def test_one_more_person_is_met_in_python(runs):
    annotations = load(compose("train", [*PEOPLE]).data)
    person = annotations.annotations["annotator_id"].iloc[0]
    newcomer = annotations.select((annotations.annotations["annotator_id"] == person).to_numpy())
    rows = newcomer.annotations.assign(annotator_id="newcomer", label=newcomer.scale.levels[1])
    newcomer = replace(newcomer, annotations=rows, annotators=newcomer.annotators.assign(annotator_id="newcomer"))
    model, tokens = load_model(runs[20], newcomer.texts)
    content = model.encode(Batch.of_texts(torch.arange(len(newcomer.items)), tokens)).detach()
    nobody = model.schema.encode(newcomer.annotators)
    assert nobody.code.tolist() == [0]
    before = model.everyone(content, nobody)[..., 1].mean()
    known = adapt_to(model, newcomer, epochs=20, tokens=tokens)
    assert known.code.tolist() == [len(model.schema.people)]
    assert model.everyone(content, known)[..., 1].mean() > before + 0.05  # somebody who always says the second level


@pytest.mark.parametrize("model", ["embedding", "jury", "multitask"])
def test_other_methods_adapt_too(tmp_path, model):
    options = (*PEOPLE, "trainer.max_epochs=2", f"model={model}", "split=both", "split.shots=8", "adapt=8")
    run = train(tmp_path, *options, "predictions.everyone=true")
    found = predictions_of(run)
    np.testing.assert_allclose(found.everyone[found.item_index, found.annotator_index], found.values, atol=1e-6)
    assert len(pd.read_csv(run.folder / "adaptation.csv")) > 1
    assert set(found.pairs["training_labels"]) == {0}


def test_methods_that_know_nobody_are_trained_once_or_say_so(tmp_path):
    blind = [train(tmp_path, *PEOPLE, "trainer.max_epochs=1", "model=softlabel", f"adapt={k}") for k in (0, 5)]
    assert blind[0].folder == blind[1].folder
    options = (*PEOPLE, "trainer.max_epochs=1", "model=jury_attributes")
    plain = train(tmp_path, *options)
    with pytest.warns(DataWarning, match="model=jury_attributes models no individual annotators, so adapt=5 has no ef"):
        same = train(tmp_path, *options, "adapt=5")
    assert (predictions_of(plain).values == predictions_of(same).values).all()


def test_shuffled_ids_deal_out_the_labels_one_adapts_to(tmp_path):
    config = compose("train", [*PEOPLE, "adapt=20", "control=shuffled_ids", *places(tmp_path)])
    annotations = load(config.data)
    split = instantiate(config.split, annotations=annotations)
    (tmp_path / "run").mkdir()
    shown = Training(config, annotations, split, Run(tmp_path / "run"))._shots().annotations
    true = annotations.annotations.iloc[split.rows("adaptation")].reset_index(drop=True)
    assert shown[["item_id", "annotator_id"]].equals(true[["item_id", "annotator_id"]])
    changed = (shown["label"] != true["label"]).mean()
    assert 0.1 < changed < 0.6


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["adapt=5"], "adapt is 5; it needs split=annotators or split=both, which set aside labels"),
        (
            ["split=both", "split.shots=3", "adapt=5"],
            "adapt is 5, but split.shots=3 sets aside only that many texts of each new person; raise split",
        ),
        (["adapt=-1"], "adapt is -1; expected a whole number from 0"),
        (["split=annotators", "split.shots=1.5"], "split.shots is 1.5; expected a whole number from 0"),
    ],
)
def test_more_than_is_set_aside_is_refused(tmp_path, options, message):
    with pytest.raises(ConfigError) as refused:
        train(tmp_path, *TINY, *options)
    assert message in str(refused.value)
    assert not list(tmp_path.rglob("config.yaml"))


def test_more_shots_than_labels_is_one_message(tmp_path, capsys):
    assert main(["train", *TINY, "split=annotators", "split.shots=500", *places(tmp_path)]) == 2
    said_so = capsys.readouterr().err
    assert said_so.startswith("perspectives train: synthetic: split.shots=500 leaves no annotator in validation")
    assert said_so.endswith("use fewer shots\n")


# Resuming. ---------------------------------------------------------------------------------------------------------

KILLED = (*TINY, "data.reader.items=100", "split=annotators", "split.shots=5", "adapt=5", "model=multitask_shared")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    run = train(tmp_path_factory.mktemp("whole"), *KILLED)
    return results(run), (run.folder / "adaptation.csv").read_bytes()


@pytest.mark.parametrize(
    ("point", "count"),
    [
        ("perspectives.models.base:AnnotatorModel.training_step", 3),
        ("perspectives.training.training:introduce", 1),
        ("perspectives.training.adaptation:_loss", 7),  # in an epoch of the adaptation
        ("perspectives.training.training:serialized", 1),
        ("perspectives.runs.run:Run.finish", 1),
    ],
)
def test_killed_and_resumed(tmp_path, whole, point, count):
    assert ended(started(tmp_path, *KILLED, at=point, count=count)) == -signal.SIGKILL
    run = train(tmp_path, *KILLED)
    expected, losses = whole
    found = results(run)
    assert [name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name)] == []
    assert (run.folder / "adaptation.csv").read_bytes() == losses
