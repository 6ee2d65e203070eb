"""What a training records: the right numbers, for every model and scale, and nothing else changes."""

import signal

import numpy as np
import pandas as pd
import pytest
import torch
from omegaconf import OmegaConf
from running import FINETUNE, TINY, ended, results, started, train
from torch.nn import functional as F

from perspectives.config import compose, run_identity
from perspectives.data.load import load
from perspectives.data.scale import Scale
from perspectives.errors import ConfigError
from perspectives.models.objectives import objective_for
from perspectives.quality.dynamics import Dynamics
from perspectives.quality.recording import observed
from perspectives.runs.run import Run

RECORDED = ("dynamics/recorded.safetensors", "dynamics/units.parquet")


def recorded(run):
    return Dynamics.load(run.folder / "dynamics")


def files(run):
    return results(run) | {name: (run.folder / name).read_bytes() for name in RECORDED}


# The numbers. ------------------------------------------------------------------------------------------------------


def test_the_margin_of_a_softmax_is_the_difference_of_its_logits():
    logits = torch.randn(50, 4, generator=torch.manual_seed(0)) * 30
    label = torch.randint(0, 4, (50,))
    for objective in (objective_for(Scale("nominal", tuple("abcd"))),
                      objective_for(Scale("nominal", tuple("abcd")), None, [1, 2, 3, 4])):  # fmt: skip
        own, margin = observed(objective, logits, label, 4)
        others = [max(row[k] for k in range(4) if k != y) for row, y in zip(logits.tolist(), label, strict=True)]
        assert own.tolist() == pytest.approx((-F.cross_entropy(logits, label, reduction="none")).tolist(), abs=1e-5)
        assert margin.tolist() == pytest.approx((logits[range(50), label] - torch.tensor(others)).tolist(), abs=1e-4)


@pytest.mark.parametrize(("kind", "name"), [("nominal", "binary"), ("ordinal", "ordinal")])
def test_other_objectives_give_the_log_of_what_they_predict(kind, name):
    scale = Scale(kind, ("low", "high") if name == "binary" else ("low", "middle", "high", "highest"))
    objective = objective_for(scale, name)
    logits = torch.randn(40, objective.width, generator=torch.manual_seed(0)).double()
    label = torch.arange(40) % scale.size
    answers = objective.predict(logits).log().numpy()
    own, margin = observed(objective, logits, label, scale.size)
    assert own.numpy() == pytest.approx(answers[range(40), label], abs=1e-5)
    others = np.where(np.eye(scale.size, dtype=bool)[label], -np.inf, answers).max(1)
    assert margin.numpy() == pytest.approx(answers[range(40), label] - others, abs=1e-4)


def test_the_other_labels_of_a_set_are_all_other_sets():
    scale = Scale("multilabel", ("joy", "anger", "fear"))
    objective = objective_for(scale)
    logits = torch.randn(30, 3, generator=torch.manual_seed(0))
    label = torch.randint(0, 2, (30, 3)).float()
    sets = torch.cartesian_prod(*[torch.tensor([0.0, 1.0])] * 3)
    chance = torch.stack([-objective.loss(logits, one.expand(30, 3)) for one in sets], 1)
    mine = (label[:, None] == sets).all(-1)
    own, margin = observed(objective, logits, label, 3)
    assert own.numpy() == pytest.approx(chance[mine].numpy(), abs=1e-5)
    assert margin.numpy() == pytest.approx((chance[mine] - chance.masked_fill(mine, -99).amax(1)).numpy(), abs=1e-5)


def test_the_first_batch_of_heads_that_start_at_zero_is_undecided(tmp_path):
    run = train(tmp_path, *TINY, "model=softlabel", "dynamics=true", "trainer.batch_size=1000")
    dynamics = recorded(run)
    assert dynamics.log_probability.shape[0] == 3
    assert dynamics.log_probability[0] == pytest.approx(np.log(1 / run.predictions()["softlabel"].scale.size), abs=1e-6)
    assert not dynamics.margin[0].any()
    losses = pd.read_csv(run.folder / "history.csv")["train_loss"]
    assert -dynamics.log_probability.mean(1) == pytest.approx(losses.to_numpy(), rel=1e-5)


# Units. ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["softlabel", "multitask", "multitask_shared", "embedding", "jury", "conditioned"])
def test_every_training_annotation_is_a_unit(tmp_path, model):
    options = ("model=conditioned", "encoder.tune=full") if model == "conditioned" else (f"model={model}",)
    run = train(tmp_path, *TINY, *options, "trainer.max_epochs=2", "trainer.batch_size=7", "dynamics=true")
    dynamics, config = recorded(run), compose("train", [*TINY])
    annotations = load(config.data)
    tested = [run.predictions(part)[model].pairs for part in ("validation", "test")]
    assert len(dynamics.units) + sum(map(len, tested)) == len(annotations)
    everything = pd.concat([dynamics.units, *tested])[["item_id", "annotator_id", "label"]]
    everything = everything.sort_values(["item_id", "annotator_id"], ignore_index=True)
    known = annotations.annotations[everything.columns].sort_values(["item_id", "annotator_id"], ignore_index=True)
    pd.testing.assert_frame_equal(everything, known)
    assert np.isfinite(dynamics.log_probability).all()
    losses = pd.read_csv(run.folder / "history.csv")["train_loss"]
    assert -dynamics.log_probability.mean(1) == pytest.approx(losses.to_numpy(), rel=1e-4)


def test_models_of_item_labels_record_items(tmp_path):
    run = train(tmp_path, *TINY, "model=majority", "dynamics=true")
    units = recorded(run).units
    assert units["item_id"].is_unique
    assert set(units["annotator_id"]) == {"majority"}


def test_an_ensemble_records_each_member(tmp_path):
    run = train(tmp_path, *TINY, "model=ensemble", "trainer.max_epochs=1", "dynamics=true", "model.max_members=100")
    people = [set(recorded(Run(path.parent)).units["annotator_id"]) for path in run.folder.glob("members/*/*/dynamics")]
    assert len(people) > 3
    assert all(len(one) == 1 for one in people)


def corpus(folder, ids, people):
    """A table of 40 harmless texts by 4 people, whose ids are as given."""
    random = np.random.default_rng(0)
    rows = [(item, f"a nice walk number {place}", who) for place, item in enumerate(ids) for who in people]
    table = pd.DataFrame(rows, columns=["item_id", "text", "annotator_id"])
    table["label"] = random.permutation(np.arange(len(table)) % 2).astype(str)
    table.to_parquet(folder / "corpus.parquet")
    return (
        "debug=short",
        "data=table",
        f"data.reader.path={folder / 'corpus.parquet'}",
        "data.reader.levels=['0','1']",
    )


@pytest.mark.parametrize(
    ("ids", "people"),
    [
        (range(40), range(4)),
        ([i + 0.5 for i in range(40)], [10**18 + i for i in range(4)]),
        ([f"é/{i} \n'\"" for i in range(40)], ["None", "ü", "0", " x"]),
    ],
)
def test_ids_of_any_type_and_batches_of_one(tmp_path, ids, people):
    options = (*corpus(tmp_path, ids, people), "trainer.batch_size=1", "trainer.max_epochs=1", "dynamics=true")
    dynamics = recorded(train(tmp_path, *options))
    assert len(dynamics.units) == 24 * 4
    assert dynamics.units["annotator_id"].nunique() == 4
    assert np.isfinite(dynamics.margin).all()


def test_annotations_that_a_visit_left_out_are_missing(tmp_path):
    run = train(tmp_path, *TINY, "model=softlabel", "dynamics=true", "trainer.raters_per_item=2")
    dynamics = recorded(run)
    visited = ~np.isnan(dynamics.margin)
    per_item = pd.DataFrame(visited.T).groupby(dynamics.units["item_id"].to_numpy()).sum()
    assert (per_item.to_numpy() == 2).all()
    assert visited.any(0).mean() > visited[0].mean()  # others in other epochs


def test_ratings_are_refused_before_there_is_a_run(tmp_path):
    frame = pd.DataFrame(
        {"item_id": np.repeat(range(30), 2), "annotator_id": list("ab") * 30, "label": [0.0, 1.0] * 30}
    )
    frame.assign(text=[f"rain {i}" for i in frame["item_id"]]).to_parquet(tmp_path / "ratings.parquet")
    options = ("data=table", f"data.reader.path={tmp_path / 'ratings.parquet'}", "data.reader.kind=interval",
               "data.reader.low=0", "data.reader.high=1", "debug=short", "dynamics=true")  # fmt: skip
    with pytest.raises(ConfigError, match="dynamics=true records probabilities of labels, and table has ratings"):
        train(tmp_path, *options)
    assert not list(tmp_path.glob("runs/*/*/config.yaml"))


# Nothing else changes. ---------------------------------------------------------------------------------------------


def test_recording_changes_nothing_that_is_learned(tmp_path):
    without, recording = (train(tmp_path, *FINETUNE, f"dynamics={value}") for value in ("false", "true"))
    assert without.folder != recording.folder
    assert not (without.folder / "dynamics").exists()
    assert results(without) == results(recording)


def test_a_run_keeps_the_name_it_had_before_there_was_recording():
    config = compose("train", [*TINY])
    older = OmegaConf.masked_copy(config, [key for key in config if key != "dynamics"])
    assert run_identity(config) == run_identity(older)


def test_priors_have_nothing_to_record(tmp_path):
    run = train(tmp_path, *TINY, "model=priors", "dynamics=true")
    assert run.folder == train(tmp_path, *TINY, "model=priors").folder


# Killed and resumed. -----------------------------------------------------------------------------------------------

STEP, STEPS = "perspectives.models.base:AnnotatorModel.training_step", 5
RECORDING = (*FINETUNE, "dynamics=true")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return files(train(tmp_path_factory.mktemp("whole"), *RECORDING))


@pytest.mark.parametrize(
    ("at", "count", "options"),
    [
        (STEP, STEPS + 3, ()),
        (STEP, STEPS + 5, ("trainer.checkpoint_every=1",)),
        (STEP, 2 * STEPS + 4, ("trainer.checkpoint_every=3",)),
        ("perspectives.quality.recording:save", 2, ()),
        ("perspectives.training.callbacks:ResumeCheckpoint.on_train_epoch_end", 2, ()),
        ("perspectives.quality.recording:Recording.finish", 1, ()),
        ("perspectives.quality.dynamics:save_file", 1, ()),
        ("perspectives.training.callbacks:BestCheckpoint.weights", 1, ()),
    ],
)
def test_a_killed_run_records_what_a_whole_one_does(tmp_path, whole, at, count, options):
    assert ended(started(tmp_path, *RECORDING, *options, at=at, count=count)) == -signal.SIGKILL
    found = files(train(tmp_path, *RECORDING, *options))
    assert [name for name in whole.keys() | found.keys() if whole.get(name) != found.get(name)] == []
