"""Tables of a toy paper, from the specification to the files."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import toys

from perspectives.cli import main
from perspectives.comparison import entries
from perspectives.reproduction import launch, spec
from perspectives.reproduction.reproduce import Reproduction

HERE = Path(__file__).parent


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """The folder of runs, with the toy as the only paper there is."""
    folder = tmp_path / "experiments" / "toy"
    folder.mkdir(parents=True)
    (folder / "table.yaml").write_text(toys.SPEC)
    monkeypatch.setattr(spec, "experiments_dir", lambda: folder.parent)
    monkeypatch.setenv("PERSPECTIVES_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("PERSPECTIVES_CACHE", str(tmp_path / "cache"))
    return tmp_path / "runs"


def csv(runs, table="scores"):
    return pd.read_csv(runs / "toy" / "tables" / f"{table}.csv", keep_default_na=False)


@pytest.fixture
def fitted(monkeypatch):
    """The runs that were really asked of `fit`."""
    calls, fit = [], launch.fit

    def counted(config):
        run = fit(config)
        calls.append(run.folder)
        return run

    monkeypatch.setattr(launch, "fit", counted)
    return calls


def test_a_table_is_what_compare_says_of_its_runs(toy, fitted, capsys):
    assert main(["reproduce", "toy", "table=scores", "--format", "markdown"]) == 0
    printed = capsys.readouterr().out
    long = csv(toy)
    assert (toy / "toy/tables/scores.md").read_text() == printed
    assert (toy / "toy/tables/scores.tex").read_text().startswith(r"\begin{tabular}")
    assert len(fitted) == 8  # items: 1 prior, 2, 2; people: 1, 2

    items = [str(folder) for folder in fitted if "-items-" in folder.name]
    found = {entry.name.split(" ")[0]: entry for entry in entries(items, best=True)[0]}
    for row, name in (("train mean", "train_mean"), ("majority", "majority"), ("heads", "multitask")):
        line = long[(long["row"] == row) & (long["column"] == "items") & (long["metric"] == "macro-F1")].iloc[0]
        interval = found[name].interval("individual/macro_f1")
        assert float(line["value"]) == pytest.approx(interval.value, abs=1e-12)
        assert float(line["low"]) == pytest.approx(interval.low, abs=1e-12)
    paired = found["multitask"].difference(found["train_mean"], "individual/macro_f1")
    assert float(line["difference"]) == pytest.approx(paired.value)
    assert line["mark"] == "within"
    assert "(.500 ✓)" in printed
    assert "Empty, heads of people: heads know nobody new." in printed
    assert "Differs from the paper: the data is invented." in printed

    assert main(["reproduce", "toy", "table=scores"]) == 0  # nothing is done twice
    assert len(fitted) == 8


def test_a_killed_table_goes_on_and_ends_the_same(toy, tmp_path, fitted):
    script = f"""
import os, signal, sys
sys.path[:0] = {[str(HERE), str(HERE.parent)]}
from pathlib import Path
from perspectives.reproduction import launch, spec
spec.experiments_dir = lambda: Path({str(tmp_path / "experiments")!r})
fit, calls = launch.fit, []
def killed(config):
    calls.append(1)
    if len(calls) == 4:
        os.kill(os.getpid(), signal.SIGKILL)
    return fit(config)
launch.fit = killed
from perspectives.cli import main
main(["reproduce", "toy", "table=scores"])
"""
    done = subprocess.run([sys.executable, "-c", script], env=os.environ, capture_output=True, text=True, timeout=300)
    assert done.returncode == -signal.SIGKILL, done.stderr
    before = {path: path.stat().st_mtime_ns for path in toy.glob("**/metrics.json")}
    assert len(before) == 3
    assert main(["reproduce", "toy", "table=scores"]) == 0
    assert len(fitted) == 8 - 3
    assert {path: path.stat().st_mtime_ns for path in before} == before
    resumed = csv(toy)

    assert main(["reproduce", "toy", "table=scores", f"paths.runs={tmp_path / 'elsewhere'}"]) == 0
    pd.testing.assert_frame_equal(resumed, csv(tmp_path / "elsewhere"))


def test_a_dry_run_says_what_would_run_and_trains_nothing(toy, fitted, capsys):
    assert main(["reproduce", "toy", "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "0 of 8 runs are finished" in said
    assert "to run: majority, items: 2 of 2, for a time that no finished run tells" in said
    assert "empty, in people: heads know nobody new" in said
    assert "to measure: few, many" in said
    assert not fitted

    main(["reproduce", "toy", "table=scores", "seed=0"])
    capsys.readouterr()
    assert main(["reproduce", "toy", "table=scores", "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "7 of 8 runs are finished" in said
    assert "to run: heads, items: 1 of 2, about " in said


def test_options_of_the_command_line_make_it_another_experiment(toy, capsys):
    assert main(["reproduce", "toy", "table=scores", "seed=0", "model.dropout=0.5"]) == 0
    assert set(csv(toy)["mark"]) == {"", "not comparable"}
    assert "table=scores seed=0 model.dropout=0.5" in (toy / "toy/tables/scores.md").read_text()


def test_smoke_runs_lie_apart(toy, capsys):
    assert main(["reproduce", "toy", "smoke=true"]) == 0
    assert (toy / "smoke/toy/tables/scores.md").exists()
    assert not (toy / "toy").exists()


def test_jobs_of_several_processes_give_the_same_table(toy, tmp_path):
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher")
    assert main(["reproduce", "toy", "table=scores", "seed=0"]) == 0
    parallel = [f"paths.runs={tmp_path / 'parallel'}", "hydra/launcher=joblib", "hydra.launcher.n_jobs=2"]
    assert main(["reproduce", "toy", "table=scores", "seed=0", *parallel]) == 0
    pd.testing.assert_frame_equal(csv(toy), csv(tmp_path / "parallel"))


def test_a_failed_job_is_named_and_the_others_go_on(toy, monkeypatch, capsys):
    fit = launch.fit

    def failing(config):
        if config.model.name == "multitask":
            raise RuntimeError("the sky fell")
        return fit(config)

    monkeypatch.setattr(launch, "fit", failing)
    assert main(["reproduce", "toy", "table=scores", "seed=0"]) == 1
    said = capsys.readouterr().out
    assert "failed: 1 job(s)" in said
    assert "model=multitask" in said
    assert "the sky fell" in said
    long = csv(toy)
    assert set(long.loc[(long["row"] == "heads") & (long["column"] == "items"), "empty"]) == {
        "0 of 1 runs are finished"
    }
    assert (long.loc[long["row"] == "majority", "empty"] == "").all()


def test_measured_columns_are_measured_once(toy, capsys):
    for _ in range(2):
        assert main(["reproduce", "toy", "table=counts"]) == 0
    assert (toy / "calls.txt").read_text().split() == ["1", "10"]
    long = csv(toy, "counts")
    assert dict(zip(long["row"] + " " + long["column"], long["value"], strict=True)) == {
        "ones few": 1, "twos few": 2, "ones many": 10, "twos many": 20,
    }  # fmt: skip


def test_an_unfinished_column_is_not_measured(toy):
    work = Reproduction(toys.paper(), toys.paper(counts__options="debug=tiny data=synthetic").tables["counts"])
    assert not work._ready("few")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nobody"], "there is no table specification of 'nobody'; choose one of toy"),
        (["toy", "table=nothing"], "table=nothing is not there; choose from scores, counts"),
        (["toy", "scores"], "'scores' is no option; write OPTION=VALUE, such as table=scores"),
        (["toy", "smoke=maybe"], "smoke=maybe is neither true nor false"),
        (["toy", "table=scores", "hydra/launcher=moon"], "moon"),
        (["toy", "table=scores", "optim.speed=1"], "optim.speed"),
    ],
)
def test_wrong_use_is_explained(toy, capsys, words, said):
    assert main(["reproduce", *words]) == 2
    assert said in capsys.readouterr().err


def test_papers_are_listed(toy, capsys):
    assert main(["reproduce", "list"]) == 0
    said = capsys.readouterr().out
    assert "toy: A toy (Nobody 2000)" in said
    assert "table=counts" in said
