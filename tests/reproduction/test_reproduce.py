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
from perspectives.data.readers.common import MissingData
from perspectives.evaluation.comparison import entries
from perspectives.reproduction import launch, spec
from perspectives.reproduction.measured import Kept
from perspectives.reproduction.reproduce import Reproduction, _environment

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


KILLED = """
import os, signal, sys
sys.path[:0] = {places}
from pathlib import Path
from perspectives.reproduction import {module} as module, spec
spec.experiments_dir = lambda: Path({experiments!r})
whole, calls = module.{name}, []
def killed(*given):
    calls.append(1)
    if len(calls) == {call}:
        os.kill(os.getpid(), signal.SIGKILL)
    return whole(*given)
module.{name} = killed
from perspectives.cli import main
main(["reproduce", "toy", "table={table}"])
"""


def killed(folder, **values):
    """Reproduce in a process that is killed when a function is called for the so-manyth time."""
    places = [str(HERE), str(HERE.parent)]
    script = KILLED.format(places=places, experiments=str(folder / "experiments"), **values)
    done = subprocess.run([sys.executable, "-c", script], env=os.environ, capture_output=True, text=True, timeout=300)
    assert done.returncode == -signal.SIGKILL, done.stderr


def test_a_killed_table_goes_on_and_ends_the_same(toy, tmp_path, fitted):
    killed(tmp_path, module="launch", name="fit", call=4, table="scores")
    before = {path: path.stat().st_mtime_ns for path in toy.glob("**/metrics.json")}
    assert len(before) == 3
    assert main(["reproduce", "toy", "table=scores"]) == 0
    assert len(fitted) == 8 - 3
    assert {path: path.stat().st_mtime_ns for path in before} == before
    resumed = csv(toy)

    assert main(["reproduce", "toy", "table=scores", f"paths.runs={tmp_path / 'elsewhere'}"]) == 0
    pd.testing.assert_frame_equal(resumed, csv(tmp_path / "elsewhere"))


def test_a_killed_measurement_repeats_no_finished_cell(toy, tmp_path):
    killed(tmp_path, module="measured", name="write_json", call=2, table="counts")
    assert calls(toy) == ["1*1", "2*1"]  # the second one was found, but not written
    assert main(["reproduce", "toy", "table=counts"]) == 0
    assert calls(toy) == ["1*1", "2*1", "2*1", "1*10", "2*10"]
    assert counts(toy) == COUNTS


def test_a_dry_run_says_what_would_run_and_trains_nothing(toy, fitted, capsys):
    assert main(["reproduce", "toy", "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "0 of 8 runs are finished" in said
    assert "to run: majority, items: 2 of 2, for an unknown time" in said
    assert "empty, in people: heads know nobody new" in said
    assert "to measure: few: 2 of 2 rows\n  to measure: many: 2 of 2 rows\n  nothing to train" in said
    assert not fitted

    main(["reproduce", "toy", "table=scores", "seed=0"])
    capsys.readouterr()
    assert main(["reproduce", "toy", "table=scores", "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "7 of 8 runs are finished" in said
    assert "to run: heads, items: 1 of 2, about " in said


def test_a_prior_that_the_scale_does_not_have_leaves_its_row_empty(toy):
    changed(toy, "train mean: {prior: train_mean}", "train mean: {prior: annotator_mean}")
    assert main(["reproduce", "toy", "table=scores", "seed=0", "optim.lr=1e-3"]) == 0
    long = csv(toy)
    assert set(long.loc[long["row"] == "train mean", "empty"]) == {"the runs have no such metric"}
    assert (long.loc[long["row"] == "majority", "value"] != "").all()


def test_options_of_the_command_line_make_it_another_experiment(toy, capsys):
    table = toys.paper().tables["scores"]
    assert not Reproduction(toys.paper(), table, ["paths.cache=x", "trainer.progress=false"]).changed
    assert main(["reproduce", "toy", "table=scores", "seed=0", "model.dropout=0.5"]) == 0
    assert set(csv(toy)["mark"]) == {"", "not comparable"}
    assert "table=scores seed=0 model.dropout=0.5" in (toy / "toy/tables/scores.md").read_text()


def test_smoke_runs_lie_apart(toy, capsys):
    assert main(["reproduce", "toy", "smoke=true"]) == 0
    assert (toy / "smoke/toy/tables/scores.md").exists()
    assert not (toy / "toy").exists()


MAJORITY = "      majority: model=majority optim.lr=1e-3,1e-2\n"  # a process for each of its jobs takes long


def test_jobs_of_several_processes_give_the_same_table(toy, tmp_path):
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher")
    changed(toy, MAJORITY, "")
    assert main(["reproduce", "toy", "table=scores", "seed=0"]) == 0
    parallel = [f"paths.runs={tmp_path / 'parallel'}", "hydra/launcher=joblib", "hydra.launcher.n_jobs=2"]
    assert main(["reproduce", "toy", "table=scores", "seed=0", *parallel]) == 0
    pd.testing.assert_frame_equal(csv(toy), csv(tmp_path / "parallel"))
    assert (tmp_path / "parallel" / "toy" / ".multirun").is_dir()  # Hydra's record lies where the runs are


def test_jobs_of_a_cluster_give_the_same_table(toy, tmp_path):
    pytest.importorskip("hydra_plugins.hydra_submitit_launcher")
    changed(toy, MAJORITY, "")
    few = ["reproduce", "toy", "table=scores", "seed=0"]
    assert main(few) == 0
    submitted = [f"paths.runs={tmp_path / 'submitted'}", "hydra/launcher=submitit_local"]
    assert main([*few, *submitted, f"hydra.launcher.submitit_folder={tmp_path / 'jobs'}"]) == 0
    pd.testing.assert_frame_equal(csv(toy), csv(tmp_path / "submitted"))
    assert len(list((tmp_path / "jobs").glob("**/*_result.pkl"))) == 3


def test_a_failed_job_is_named_and_the_others_go_on(toy, monkeypatch, capsys):
    fit = launch.fit

    def failing(config):
        if config.model.name == "multitask":
            raise RuntimeError("the sky fell")
        return fit(config)

    monkeypatch.setattr(launch, "fit", failing)
    assert main(["reproduce", "toy", "table=scores", "seed=0"]) == 1
    said = capsys.readouterr().err
    assert "failed: 1 job(s)" in said
    assert "model=multitask" in said
    assert "the sky fell" in said
    long = csv(toy)
    assert set(long.loc[(long["row"] == "heads") & (long["column"] == "items"), "empty"]) == {
        "0 of 1 runs are finished"
    }
    assert (long.loc[long["row"] == "majority", "empty"] == "").all()


COUNTS = {"ones few": 1, "twos few": 2, "ones many": 10, "twos many": 20}


def calls(runs):
    return (runs / "calls.txt").read_text().split()


def counts(runs, what="value"):
    long = csv(runs, "counts")
    return dict(zip(long["row"] + " " + long["column"], long[what], strict=True))


def changed(toy, old, new):
    spec_file = toy.parent / "experiments" / "toy" / "table.yaml"
    assert old in toys.SPEC
    spec_file.write_text(toys.SPEC.replace(old, new))


def test_cells_are_measured_once(toy, capsys):
    for _ in range(2):
        assert main(["reproduce", "toy", "table=counts"]) == 0
    assert calls(toy) == ["1*1", "2*1", "1*10", "2*10"]
    assert counts(toy) == COUNTS
    said = capsys.readouterr().out
    assert "Environment: 4 measured cells; Linux" in said
    assert f"Python {sys.version.split()[0]}; torch " in said


def test_another_row_repeats_nothing_and_one_that_fails_leaves_the_others_alone(toy, capsys):
    main(["reproduce", "toy", "table=counts"])
    capsys.readouterr()
    changed(toy, "rows: {ones: {given: 1},", "rows: {none: {given: 0}, ones: {given: 1},")
    for _ in range(2):  # what failed is tried again
        assert main(["reproduce", "toy", "table=counts"]) == 1
    assert calls(toy)[4:] == ["0*1", "0*10", "0*1", "0*10"]
    said = capsys.readouterr().err
    assert "failed: 2 job(s)\n  - none, few: ZeroDivisionError: nothing to count" in said
    assert "counts, measured: 0 of 2 done, 2 not" in said
    assert {name: value for name, value in counts(toy).items() if "none" not in name} == {
        name: str(float(value)) for name, value in COUNTS.items()
    }
    assert counts(toy, "empty")["none few"] == "failed: ZeroDivisionError: nothing to count"


def test_of_several_metrics_the_first_that_was_measured_is_shown(toy, monkeypatch):
    changed(toy, "metrics: {count: n}", "metrics: {count: [m, n]}")
    assert main(["reproduce", "toy", "table=counts"]) == 0
    assert counts(toy) == COUNTS


def test_other_data_are_measured_anew(toy):
    main(["reproduce", "toy", "table=counts"])
    (toy / "data.txt").write_text("as it came later")
    main(["reproduce", "toy", "table=counts"])
    assert calls(toy) == ["1*1", "2*1", "1*10", "2*10"] * 2


def test_a_column_without_its_data_is_empty_and_says_what_to_do(toy, monkeypatch, capsys):
    def counted(setting, times):
        if times == 1:
            raise MissingData("few.csv is not there\nput it there")
        return toys_counted(setting, times)

    toys_counted = toys.counted
    monkeypatch.setattr(toys, "counted", counted)
    assert main(["reproduce", "toy", "table=counts"]) == 0
    said = capsys.readouterr().out
    assert "Empty, all rows of few: few.csv is not there." in said
    assert "\n\nfew.csv is not there\nput it there\n\n" in said
    assert calls(toy) == ["1*10", "2*10"]


def test_the_environment_keeps_what_a_commit_does_not_hold():
    record = {"machine": "Linux", "python": "3.12.1", "versions": {"torch": "2", "transformers": None, "numpy": "2"}}
    kept = [Kept({}, environment=record | {"commit": commit}) for commit in ("1234567890+changes", "1234567890", None)]
    (line,) = _environment([], kept)
    assert line == (
        "Environment: 3 measured cells; Linux; Python 3.12.1; torch 2; transformers absent; numpy 2; "
        "commits 1234567+changes, 1234567, unknown."
    )
    assert _environment([], []) == []


def test_a_cell_without_its_runs_is_not_measured(toy):
    work = Reproduction(toys.paper(), toys.paper(counts__options="debug=tiny data=synthetic").tables["counts"])
    work.measure()
    assert len(work.unmeasured()) == 4
    assert not (toy / "calls.txt").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nobody"], "paper 'nobody' has no table specification; choose one of toy"),
        (["toy", "table=scores", "table=counts"], "table is given twice; give it once"),
        (["toy", "table=nothing"], "table=nothing is unknown; choose from scores, counts"),
        (["toy", "scores"], "'scores' is not an option; write option=value"),
        (["toy", "smoke=maybe"], "smoke=maybe is not accepted; give true or false"),
        (["toy", "table=scores", "hydra/launcher=moon"], "moon"),
        (["toy", "table=scores", "optim.speed=1"], "optim.speed"),
        (["toy", "bogus=1", "seed=1"], "table=counts of toy is measured, so bogus=1, seed=1 would change nothing"),
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


@pytest.mark.parametrize(("paper", "table"), [("davani2022", "ghc"), ("zheng2017", "other_sets")])
def test_tables_do_not_say_where_the_data_lies_on_this_machine(paper, table, tmp_path, capsys):
    places = [f"paths.data={tmp_path / 'private'}", f"paths.runs={tmp_path / 'runs'}"]
    assert main(["reproduce", paper, f"table={table}", *places]) == 0
    assert f"into {tmp_path / 'private'}" in capsys.readouterr().out  # but where to put the files is said
    for ending in ("md", "tex", "csv"):
        written = (tmp_path / "runs" / paper / "tables" / f"{table}.{ending}").read_text(encoding="utf-8")
        assert " holds no " in written
        assert "private" not in written
