"""A run killed anywhere and started again gives the result of one that was not, bit for bit."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest
import torch
from running import FINETUNE, TINY, ended, places, results, started, train

from perspectives.cli import main
from perspectives.training.callbacks import BestCheckpoint, ResumeCheckpoint

STEP = "perspectives.models.base:AnnotatorModel.training_step"
STEPS = 5  # of an epoch of FINETUNE: 36 items by 8


def killed(folder, *overrides, at, count=1):
    """The command, killed by SIGKILL when it is about to call `at` the `count`-th time."""
    assert ended(started(folder, *overrides, at=at, count=count)) == -signal.SIGKILL


def only_run(folder):
    (path,) = (folder / "runs" / "synthetic").iterdir()
    return path


def checkpoint(folder):
    return torch.load(only_run(folder) / "checkpoints" / "last.ckpt", weights_only=True)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The results of a fine-tuning that nothing interrupted."""
    return results(train(tmp_path_factory.mktemp("whole"), *FINETUNE))


def same(found, whole):
    """Whether all files are equal; naming those that are not, because bytes are nothing to look at."""
    assert len(found) == 12
    assert [name for name in whole.keys() | found.keys() if whole.get(name) != found.get(name)] == []


def test_killed_in_an_epoch_and_resumed_from_the_end_of_the_one_before(tmp_path, whole):
    killed(tmp_path, *FINETUNE, at=STEP, count=STEPS + 3)
    assert checkpoint(tmp_path)["global_step"] == STEPS
    same(results(train(tmp_path, *FINETUNE)), whole)


def test_killed_in_an_epoch_and_resumed_in_its_middle(tmp_path, whole):
    options = (*FINETUNE, "trainer.checkpoint_every=3")
    killed(tmp_path, *options, at=STEP, count=STEPS + 4 + 1)
    assert checkpoint(tmp_path)["global_step"] == 9
    killed(tmp_path, *options, at=STEP, count=5)
    assert checkpoint(tmp_path)["global_step"] == 12
    run = train(tmp_path, *options)
    same(results(run), whole)
    assert len(run.provenance["resumed"]) == 2
    seconds = run.metrics and json.loads((run.folder / "metrics.json").read_text())["throughput"]["train_seconds"]
    assert 0 < seconds < 60


def test_killed_between_steps_of_accumulated_batches(tmp_path):
    options = (*FINETUNE, "trainer.accumulate=2", "trainer.checkpoint_every=1")
    killed(tmp_path / "a", *options, at=STEP, count=STEPS + 4)
    assert checkpoint(tmp_path / "a")["global_step"] == 3 + 1
    same(results(train(tmp_path / "a", *options)), results(train(tmp_path / "b", *options)))


def test_killed_in_the_validation_after_a_checkpoint_due_at_the_last_step(tmp_path, whole):
    options = (*FINETUNE, f"trainer.checkpoint_every={STEPS}")
    killed(tmp_path, *options, at="perspectives.models.base:AnnotatorModel.on_validation_epoch_start", count=2)
    same(results(train(tmp_path, *options)), whole)


@pytest.mark.parametrize(
    "point",
    [
        "perspectives.training.callbacks:BestCheckpoint.weights",
        "perspectives.training.training:serialized",
        "shutil:rmtree",
        "perspectives.training.fit:_fitted_temperature",
        "perspectives.training.fit:log_trial",
        "perspectives.runs.run:Run.finish",
    ],
)
def test_killed_after_training(tmp_path, whole, point):
    killed(tmp_path, *FINETUNE, at=point)
    assert not (only_run(tmp_path) / "metrics.json").exists()
    run = train(tmp_path, *FINETUNE)
    same(results(run), whole)
    assert not (run.folder / "checkpoints").exists()
    assert len((tmp_path / "runs" / "trials.jsonl").read_text().splitlines()) == 1


def test_killed_while_a_checkpoint_is_written(tmp_path, whole):
    killed(tmp_path, *FINETUNE, at="perspectives.files:_flush", count=9)
    leftovers = list(only_run(tmp_path).rglob(".*.partial"))
    assert leftovers
    same(results(train(tmp_path, *FINETUNE)), whole)
    assert not any(path.exists() for path in leftovers)


# Early stopping. ---------------------------------------------------------------------------------------------------

STOPPING = (*TINY, "trainer.max_epochs=40", "trainer.patience=2", "optim.lr=0.3")


def epochs(run):
    return len((run.folder / "history.csv").read_text().splitlines()) - 1


def test_killed_after_early_stopping_has_decided(tmp_path):
    killed(tmp_path / "a", *STOPPING, at="perspectives.training.callbacks:BestCheckpoint.weights")
    whole = train(tmp_path / "b", *STOPPING)
    assert 3 <= epochs(whole) < 40
    same(results(train(tmp_path / "a", *STOPPING)), results(whole))


def interrupted(self):
    raise KeyboardInterrupt


def test_a_checkpoint_of_the_epoch_that_stopped_would_train_on(tmp_path, monkeypatch):
    """What `ResumeCheckpoint` avoids; when this fails, Lightning remembers the decision and the exception can go."""
    whole = train(tmp_path / "b", *STOPPING)
    monkeypatch.setattr(
        ResumeCheckpoint, "on_train_epoch_end", lambda self, trainer, *_: trainer.save_checkpoint(self.path)
    )
    with monkeypatch.context() as patch:
        patch.setattr(BestCheckpoint, "weights", interrupted)
        with pytest.raises(KeyboardInterrupt):
            train(tmp_path / "a", *STOPPING)
    assert epochs(train(tmp_path / "a", *STOPPING)) == epochs(whole) + 1


# Other ways to end. ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_says_how_to_go_on(tmp_path, whole, sent):
    process = started(tmp_path, *FINETUNE, at=STEP, count=STEPS + 3, sent=sent)
    assert ended(process) == 130
    assert (tmp_path / "said").read_text() == "perspectives: interrupted; run the same command again to resume\n"
    same(results(train(tmp_path, *FINETUNE)), whole)


def test_ctrl_c_works_again_after_an_interrupted_training(tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    before = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr("perspectives.models.base.AnnotatorModel.training_step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, *TINY)
    assert signal.getsignal(signal.SIGINT) == before


def test_a_moved_run_is_resumed(tmp_path, whole):
    killed(tmp_path / "a", *FINETUNE, at=STEP, count=2 * STEPS + 2)
    (tmp_path / "a").rename(tmp_path / "b")
    same(results(train(tmp_path / "b", *FINETUNE)), whole)


@pytest.mark.parametrize("damage", ["cut", "flipped", "garbage"])
def test_a_damaged_checkpoint_is_refused(tmp_path, capsys, damage):
    killed(tmp_path, *FINETUNE, at=STEP, count=STEPS + 1)
    path = only_run(tmp_path) / "checkpoints" / "last.ckpt"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes({"cut": content[:-100], "flipped": content, "garbage": b"?" * 100}[damage])
    assert main(["train", *FINETUNE, *places(tmp_path)]) != 0
    err = capsys.readouterr().err
    assert err.startswith(f"perspectives train: checkpoint {path} is damaged (")
    assert err.endswith(f"delete {only_run(tmp_path)} and train again\n")
    assert err.count("\n") == 1


def test_damaged_weights_are_refused(tmp_path, capsys):
    before = results(train(tmp_path, *TINY))
    (only_run(tmp_path) / "metrics.json").unlink()
    weights = only_run(tmp_path) / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-50])
    assert main(["train", *TINY, *places(tmp_path)]) != 0
    err = capsys.readouterr().err
    assert err.startswith(f"perspectives train: {weights} is damaged (")
    assert err.endswith(f"delete {only_run(tmp_path)} and train again\n")
    shutil.rmtree(only_run(tmp_path))
    same(results(train(tmp_path, *TINY)), before)


@pytest.mark.slow
def test_the_command_itself_killed_from_outside(tmp_path, whole):
    command = [sys.executable, "-m", "perspectives", "train", *FINETUNE, *places(tmp_path)]
    threads = os.environ | {"OMP_NUM_THREADS": "1"}  # sums of floats depend on their number
    process = subprocess.Popen(command, env=threads, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    until = time.monotonic() + 120
    while not list(tmp_path.glob("runs/synthetic/*/checkpoints/last.ckpt")) and time.monotonic() < until:
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert subprocess.run(command, env=threads, capture_output=True, check=True, text=True).stderr == ""
    (folder,) = tmp_path.glob("runs/synthetic/*")
    same(results(type(train(tmp_path, *FINETUNE))(folder)), whole)
