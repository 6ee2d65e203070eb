"""Run folders: their key, what is in them, who may write, and what is skipped."""

import json

import pandas as pd
import pytest
import yaml
from running import TINY, places, train

from perspectives.cli import main
from perspectives.config import compose
from perspectives.data.load import load
from perspectives.errors import RunError
from perspectives.runs.run import Run, find_runs, log_trial, run_at
from perspectives.training.fit import fit, identity
from perspectives.training.training import Training


def folder(*overrides, checksum="0123"):
    return run_at("runs", identity(compose("train", [*TINY, *overrides])), checksum).folder


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    place = tmp_path_factory.mktemp("finished")
    return place, train(place, *TINY)


# The key. ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "option",
    ["paths.data=/a", "paths.cache=/b", "logger=wandb", "trainer.progress=true", "trainer.checkpoint_every=3"],
)
def test_places_and_displays_do_not_change_the_key(option):
    assert folder(option) == folder()


@pytest.mark.parametrize(
    "option",
    [
        "seed=1",
        "model=multitask_shared",
        "model.shared=true",
        "model.deviation_decay=1",
        "model.objective=nominal",
        "model.dropout=0.5",
        "encoder.pooling=cls",
        "optim.lr=0.1",
        "trainer.batch_size=4",
        "trainer.accumulate=2",
        "split.fold=1",
        "split=annotators",
        "calibrate=false",
        "predictions.everyone=true",
    ],
)
def test_what_results_depend_on_changes_the_key(option):
    assert folder(option).name[-8:] != folder().name[-8:]


def test_the_key_follows_the_content_of_the_data_and_not_its_place(tmp_path):
    checksums = []
    for name, label in (("a", "yes"), ("b", "yes"), ("c", "no")):
        path = tmp_path / name / "mine.csv"
        path.parent.mkdir()
        path.write_text(f"item_id,annotator_id,text,label\n1,ann,Tea is nice,{label}\n2,ann,So is soup,no\n")
        config = compose("train", ["data=table", f"data.reader.path={path}", "data.reader.levels=[no,yes]"])
        checksums.append(load(config.data).checksum)
    assert checksums[0] == checksums[1] != checksums[2]
    assert folder(checksum=checksums[0]) != folder(checksum=checksums[2])


def test_invented_data_of_another_seed_is_another_run():
    checksums = {load(compose("train", [*TINY, f"data.reader.seed={seed}"]).data).checksum for seed in (0, 1)}
    assert len(checksums) == 2


def test_priors_do_not_depend_on_encoder_seed_or_training(tmp_path):
    options = ("seed=0", "seed=1", "trainer.batch_size=3", "encoder=ngrams")
    folders = {train(tmp_path, *TINY, "model=priors", option).folder for option in options}
    assert len(folders) == 1
    assert folders.pop().name.startswith("priors-items-f0-")


def test_the_folder_is_named_by_what_was_run():
    assert str(folder("seed=3", "split.fold=2")).startswith("runs/synthetic/multitask-tiny-items-f2-s3-")


# The content. ------------------------------------------------------------------------------------------------------


def test_a_finished_run_holds_everything(finished):
    _, run = finished
    files = {str(path.relative_to(run.folder)) for path in run.folder.rglob("*") if path.is_file()}
    parts = [f"predictions/multitask/{part}/" for part in ("validation", "test")]
    tables = ("observed.parquet", "items.parquet", "annotators.parquet", "predictions.json")
    assert files == {
        *(".lock", "config.yaml", "provenance.json", "schema.json", "model.safetensors", "metrics.json", "history.csv"),
        *(part + table for part in parts for table in tables),
    }
    assert run.config["model"]["name"] == "multitask"
    assert run.config == yaml.safe_load((run.folder / "config.yaml").read_text())
    assert list(run.predictions()) == ["multitask"]
    assert len(run.predictions("validation")["multitask"]) > 0


def test_provenance_says_how_to_repeat_the_run(tmp_path, monkeypatch):
    command = ["train", *TINY, *places(tmp_path)]
    monkeypatch.setattr("sys.argv", ["/somewhere/bin/perspectives", *command])
    assert main() == 0
    (run,) = find_runs([tmp_path / "runs"])
    provenance = run.provenance
    assert provenance["command"].split()[:3] == ["perspectives", "train", "debug=tiny"]
    assert provenance["versions"]["torch"].startswith("2.")
    assert provenance["data"]["checksum"] == load(compose("train", TINY).data).checksum
    assert {"commit", "started", "python", "machine", "results_version"} <= provenance.keys()
    assert "resumed" not in provenance
    monkeypatch.setattr("sys.argv", ["a_notebook.py", "train"])
    assert fit(compose("train", [*TINY, *places(tmp_path), "seed=7"])).provenance["command"] is None


def test_history_has_a_row_per_epoch_and_starts_at_the_untrained_loss(finished):
    history = pd.read_csv(finished[1].folder / "history.csv")
    assert history["epoch"].tolist() == [0, 1, 2]
    assert history["step"].tolist() == [3, 6, 9]  # 36 training items by 16
    assert history["train_loss"].between(0.5, 0.75).all()


def test_every_finished_run_is_one_line_of_trials(finished):
    place, run = finished
    fit(compose("train", [*TINY, *places(place)]))
    (line,) = map(json.loads, (place / "runs" / "trials.jsonl").read_text().splitlines())
    assert (line["data"], line["run"]) == ("synthetic", run.folder.name)
    validation = run.metrics["predictions"]["multitask"]["validation"]["metrics"]
    assert line["validation"]["multitask"]["individual/macro_f1"] == validation["individual/macro_f1"]["value"]


def test_a_trial_after_a_line_that_was_cut_off_is_whole(tmp_path):
    metrics = {"m": {"validation": {"metrics": {"individual/mae": {"value": 1.5}}}}}
    (tmp_path / "trials.jsonl").write_text('{"data": "corpus", "run": "a", "val')
    for name in ("b", "b", "bb"):
        log_trial(Run(tmp_path / "corpus" / name), metrics)
    lines = (tmp_path / "trials.jsonl").read_text().splitlines()[1:]
    assert [json.loads(line)["run"] for line in lines] == ["b", "bb"]


# Again, and at the same time. --------------------------------------------------------------------------------------


def test_a_finished_run_is_skipped(finished, capsys, monkeypatch):
    place, run = finished
    before = {path: path.stat().st_mtime_ns for path in run.folder.rglob("*")}
    monkeypatch.setattr(Training, "__init__", None)  # nothing is even built
    assert main(["train", *TINY, *places(place)]) == 0
    assert {path: path.stat().st_mtime_ns for path in run.folder.rglob("*")} == before
    out = capsys.readouterr().out
    assert out.splitlines()[0] == str(run.folder)
    f1 = run.metrics["predictions"]["multitask"]["test"]["metrics"]["individual/macro_f1"]["value"]
    assert f"individual/macro_f1 {f1:.4f}" in out


def test_a_second_process_is_told_to_wait(tmp_path, capsys):
    run = run_at(tmp_path / "runs", identity(config := compose("train", TINY)), load(config.data).checksum)
    with run.locked():
        assert main(["train", *TINY, *places(tmp_path)]) != 0
    message = f"another process is working in {run.folder}; wait for it, or stop it and run again"
    assert capsys.readouterr().err == f"perspectives train: {message}\n"
    with run.locked():  # released
        pass


def test_a_run_that_another_process_has_just_finished_is_not_trained_again(finished, monkeypatch):
    place, run = finished
    answers = iter([False, True])
    monkeypatch.setattr(Run, "finished", property(lambda self: next(answers)))
    monkeypatch.setattr(Training, "__init__", None)
    assert fit(compose("train", [*TINY, *places(place)])).folder == run.folder
    assert list(answers) == []


# Reading. ----------------------------------------------------------------------------------------------------------


def test_unfinished_runs_say_how_to_finish_them(tmp_path):
    run = Run(tmp_path)
    run.begin({"model": {"name": "multitask"}}, "0123", ())
    for read in (lambda: run.metrics, run.predictions):
        with pytest.raises(RunError, match=r"is unfinished; resume it with the command that began it: perspectives"):
            read()


def test_folders_that_are_no_runs_are_refused(tmp_path):
    with pytest.raises(RunError, match=r"holds no run; pass run folders, or a folder above them"):
        find_runs([tmp_path])
    with pytest.raises(RunError, match=r"is not a run \(no config.yaml\)"):
        Run(tmp_path).config  # noqa: B018
    (tmp_path / "config.yaml").write_text("model: [")
    with pytest.raises(RunError, match=r"(?s)config.yaml is damaged .* delete the run folder and train again"):
        Run(tmp_path).config  # noqa: B018


def test_runs_are_found_below_a_folder_once(finished):
    place, run = finished
    found = find_runs([place / "runs", run.folder, place / "runs" / "synthetic"])
    assert [other.folder for other in found] == [run.folder]
