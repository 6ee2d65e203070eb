"""The command line: dispatch, messages, exit codes, sweeps, completion."""

import os
import re
import subprocess
import sys
import types
from pathlib import Path

import pytest

from perspectives import __version__, cli
from perspectives.config import choices, groups
from perspectives.errors import ConfigError, DataError, RunError
from perspectives.verbs import check
from perspectives.verbs.list import explanation

PROGRAM = [sys.executable, "-m", "perspectives"]
SMALL = ["encoder=tiny", "data=synthetic"]


def run(*args, **environment):
    """The real command line in its own process."""
    return subprocess.run([*PROGRAM, *args], capture_output=True, text=True, env=os.environ | environment, timeout=60)


@pytest.fixture
def jobs(monkeypatch, tmp_path):
    """`perspectives train` without training: the configurations it was called with, and sys.argv at that time."""
    seen = []
    verb = types.ModuleType("perspectives.verbs.train")
    monkeypatch.setitem(sys.modules, "perspectives.verbs.train", verb)
    monkeypatch.setenv("PERSPECTIVES_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr(sys, "argv", ["perspectives"])
    monkeypatch.delenv("HYDRA_FULL_ERROR", raising=False)

    def main(cfg):
        seen.append((cfg, list(sys.argv), os.environ.get("HYDRA_FULL_ERROR")))
        if cfg.seed == 13:
            raise RunError("thirteen is unlucky; use another seed")
        if cfg.seed == 14:
            raise RuntimeError("out of memory")
        if cfg.seed == 15:
            raise KeyboardInterrupt
        if cfg.seed == 16:
            raise ConfigError("sixteen is not an option; use another seed")
        if cfg.seed == 17:
            raise DataError("the corpus has no texts; use another corpus")

    verb.main = main
    return seen


# Without a configuration. ------------------------------------------------------------------------------------------


def test_help_names_every_verb_and_loads_nothing_heavy():
    heavy = "{'torch', 'hydra', 'omegaconf', 'numpy', 'pandas', 'lightning'}"
    code = f"import sys; from perspectives.cli import main; main(['--help']); print(sorted({heavy} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.splitlines()[-1] == "[]"
    assert {*cli.HYDRA_VERBS, *cli.PLAIN_VERBS} <= set(re.findall(r"^  (\w+) ", result.stdout, re.MULTILINE))


def test_every_verb_has_a_module_with_a_main():
    for verb in cli.PLAIN_VERBS:
        module = __import__(f"perspectives.verbs.{verb}", fromlist=["main"])
        assert callable(module.main), verb
        assert callable(module.add_arguments), verb


@pytest.mark.parametrize("args", [["--version"], ["train", "--version"]])
def test_version(args, capsys):
    assert cli.main(args) == 0
    assert capsys.readouterr().out == f"perspectives {__version__}\n"


def test_unknown_verbs_are_named_with_the_closest(capsys):
    assert cli.main(["trian"]) == 2
    err = capsys.readouterr().err
    assert err.startswith(
        "perspectives: there is no verb 'trian'; did you mean train? choose one of train, jury, compare"
    )


def test_list_shows_choices_with_their_first_line(capsys):
    assert cli.main(["list", "logger"]) == 0
    out = capsys.readouterr().out
    assert re.search(r"logger=csv +Training curves as history.csv", out)
    assert "perspectives[wandb]" in " ".join(out.split())
    assert "model=" not in out
    assert cli.main(["list", "modle"]) == 2
    assert "there is no group 'modle'; did you mean model? choose from composition, data" in capsys.readouterr().err


def test_list_explains_the_options_of_a_choice_behind_those_it_builds_on(capsys):
    assert cli.main(["list", "encoder=bert_base"]) == 0
    out = capsys.readouterr().out
    assert out.index("pooling: mean         # mean over tokens, cls or last") < out.index("name: bert-base-cased")
    assert "model=" not in out
    assert cli.main(["list", "train", "logger"]) == 0
    out = capsys.readouterr().out
    assert out.index("logger=csv") < out.index("# Fit one temperature on the validation part")
    assert cli.main(["list", "model=jurry"]) == 2
    assert "there is no choice of model 'jurry'; did you mean jury?" in capsys.readouterr().err
    assert cli.main(["list", "modle=jury"]) == 2
    assert "there is no group 'modle'; did you mean model?" in capsys.readouterr().err


@pytest.mark.parametrize("group", groups())
def test_every_choice_can_be_explained(group):
    for name in choices(group):
        assert len(explanation(f"{group}={name}")) > 20


def test_data_check_and_describe(capsys):
    assert cli.main(["data", "check", "data.reader.items=60"]) == 0
    assert "synthetic: 60 items, " in capsys.readouterr().out
    assert cli.main(["data", "describe", "data=synthetic", "data.reader.items=60"]) == 0
    assert "60" in capsys.readouterr().out


def test_data_groups_measures_cohesion_and_suppresses_small_groups(capsys):
    people = ["data.reader.items=60", "data.reader.annotators=30"]
    assert cli.main(["data", "groups", *people, "--attributes", "gender", "--permutations", "99"]) == 0
    out = capsys.readouterr().out
    assert out.split()[:9] == ["attribute", "group", "people", "annotations", "IRR", "xRR", "GAI", "p", "p"]
    assert len(re.findall(r"^gender +(?:Woman|Man) +\d+ +\d+ +-?\.\d{3} +-?\.\d{3}", out, re.MULTILINE)) == 2
    assert re.search(r"^gender +fewer than 5 \(1 value\) +– +– +– +– +– +– +–$", out, re.MULTILINE)
    assert "Groups of fewer than 5 people have no numbers; these people count among others." in out
    assert "p: 99 random permutations of group labels among the annotators; (Holm): corrected over rows." in out
    assert "cannot come below p (Holm)" not in out
    assert cli.main(["data", "groups", *people, "--permutations", "20"]) == 0
    out = capsys.readouterr().out
    assert re.search(r"\d+ rows cannot come below p \(Holm\) = .05 with 20 permutations: --permutations \d+ or", out)
    assert set(re.findall(r"^(gender|age|region) ", out, re.MULTILINE)) == {"gender", "age", "region"}


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["groups", "--attributes", "sex"], "there is no attribute 'sex'; choose from gender, age, region, or all"),
        (["groups", "--permutations", "0"], "permutations=0 must be at least 1; 1000 resolve p to .001"),
        (["describe", "--permutations", "9"], "--attributes and --permutations belong to `perspectives data groups`"),
        (["check", "--attributes", "age"], "belong to `perspectives data groups`, not check"),
    ],
)
def test_wrong_uses_of_data_groups_are_one_message(args, said, capsys):
    assert cli.main(["data", *args, "data.reader.items=60"]) == 2
    assert said in capsys.readouterr().err


def test_missing_files_are_asked_for_with_their_source(capsys, tmp_path):
    assert cli.main(["data", "check", "data=hs_brexit", f"data.reader.path={tmp_path}/a (b)=c"]) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"perspectives data: {tmp_path}/a (b)=c holds no HS-Brexit_train.json")
    assert "put these files from https://" in err
    assert f"into {tmp_path}/a (b)=c:" in err


def test_check_passes_defaults_and_lists_every_problem(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("PERSPECTIVES_RUNS", str(tmp_path))
    assert cli.main(["check", *SMALL]) == 0
    assert "PROBLEM" not in capsys.readouterr().out
    blocked = tmp_path / "file"
    blocked.touch()
    args = ["check", *SMALL, "trainer.batch_size=0", "split=column", f"paths.runs={blocked}/runs"]
    assert cli.main(args) == 1
    problems = [line for line in capsys.readouterr().out.splitlines() if line.startswith("PROBLEM")]
    column = "PROBLEM configuration split: perspectives.data.splits.column"
    assert [" ".join(line.split()) for line in problems] == [
        f"{column} needs column, which has no value; set split.column=…",
        f"{column} needs test, which has no value; set split.test=…",
        "PROBLEM configuration trainer.batch_size is 0; expected a whole number from 1",
        f"PROBLEM runs {blocked}/runs cannot be written: Not a directory; set paths.runs",
    ]


def test_check_reads_a_table_of_ones_own(capsys, tmp_path, monkeypatch):
    def checked(*options) -> list[str]:
        code = cli.main(["check", "encoder=tiny", "data=table", f"paths.runs={tmp_path}", *options])
        lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
        assert code == any(line.startswith("PROBLEM") for line in lines)
        return [line for line in lines if line.startswith(("PROBLEM", "ok data"))]

    assert checked() == [
        "PROBLEM configuration data.reader: perspectives.data.readers.table.read needs path, which has no value; set "
        "data.reader.path=…"
    ]
    mine = tmp_path / "mine.csv"
    mine.touch()
    assert checked(f"data.reader.path={mine}")[0].startswith(f"PROBLEM data {mine} could not be read as a table: ")
    mine.write_text("item_id,annotator_id,label,text\n1,a,yes,Tea\n1,b,no,Tea\n")
    assert checked(f"data.reader.path={mine}") == [f"ok data {mine}: 2 usable annotations"]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tables").mkdir()
    assert checked("data.reader.path=tables/mine") == [
        "PROBLEM data tables/mine does not exist; set data.reader.path"
    ]  # no name on the Hub: the folder is here
    assert checked("data.reader.path=someone/tea") == [
        "ok data someone/tea is not on this machine; taken to be owner/name on the Hub"
    ]


def test_check_names_packages_that_do_not_fit(monkeypatch):
    monkeypatch.setattr(check.importlib.metadata, "requires", lambda name: ["numpy<1", "no-such-package>=2"])
    problems = {finding.subject: finding.detail for finding in check._packages() if finding.problem}
    assert problems["numpy"].endswith("; expected <1")
    assert problems["no-such-package"] == "is not installed; expected >=2"


# One job. ----------------------------------------------------------------------------------------------------------


def test_a_job_gets_its_configuration_and_the_command_line_with_its_verb(jobs):
    assert cli.main(["train", *SMALL, "seed=3"]) == 0
    [(cfg, argv, full_error)] = jobs
    assert (cfg.seed, cfg.encoder.name) == (3, "tiny")
    assert "hydra" not in cfg
    assert argv == ["perspectives", "train", *SMALL, "seed=3"]  # Lightning starts its other processes with this
    assert full_error is None
    assert sys.argv == ["perspectives"]
    assert "HYDRA_FULL_ERROR" not in os.environ


def test_paths_with_strange_characters_arrive(jobs, tmp_path):
    assert cli.main(["train", *SMALL, f"paths.runs={tmp_path}/a (b)=c,d", "paths.cache=~/x"]) == 0
    assert jobs[0][0].paths.runs == f"{tmp_path}/a (b)=c,d"
    assert jobs[0][0].paths.cache == str(Path.home() / "x")


def test_our_errors_are_one_message_and_bugs_are_not(jobs, capsys, monkeypatch):
    assert cli.main(["train", "seed=13"]) == 1
    assert capsys.readouterr().err == "perspectives train: thirteen is unlucky; use another seed\n"
    with pytest.raises(RuntimeError, match="out of memory"):
        cli.main(["train", "seed=14"])
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    with pytest.raises(RunError, match="thirteen"):
        cli.main(["train", "seed=13"])


@pytest.mark.parametrize(
    ("seeds", "code"),
    [("13", 1), ("16", 2), ("17", 2), ("1,13", 1), ("1,14", 1), ("1,16", 2), ("16,17", 2), ("16,13", 1), ("1,2", 0)],
)
def test_failures_return_1_and_wrong_use_2(jobs, seeds, code):
    assert cli.main(["train", f"seed={seeds}", *(["-m"] if "," in seeds else [])]) == code


def test_plain_verbs_return_1_for_failures_and_2_for_wrong_use(tmp_path, capsys):
    assert cli.main(["compare", str(tmp_path)]) == 1
    assert "holds no run" in capsys.readouterr().err
    assert cli.main(["list", "modle"]) == 2
    assert cli.main(["data", "check", "data=hs_brexit", f"data.reader.path={tmp_path}"]) == 2


@pytest.mark.parametrize("args", [["seed=15"], ["-m", "seed=15,1"]])
def test_an_interruption_says_how_to_go_on(jobs, capsys, args):
    assert cli.main(["train", *args]) == 130
    assert len(jobs) == 1
    assert capsys.readouterr().err.endswith("perspectives: interrupted; run the same command again to resume\n")


@pytest.mark.parametrize("flag", ["--experimental-rerun=x.pickle", "--experimental-rerun", "--exp"])
def test_pickles_are_not_executed(jobs, capsys, flag):
    assert cli.main(["train", flag, "x.pickle"]) == 2
    assert "perspectives train: --experimental-rerun executes whatever a file holds" in capsys.readouterr().err
    assert jobs == []


def test_wrong_options_are_one_message_in_a_real_process():
    result = run("train", "trainer.batchsize=3")
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr == (
        "perspectives train: there is no option trainer.batchsize; did you mean trainer.batch_size? "
        "`perspectives train --cfg job` prints all options\n"
    )
    traceback = run("train", "trainer.batchsize=3", HYDRA_FULL_ERROR="1")
    assert traceback.returncode == 1
    assert "Traceback" in traceback.stderr


def test_hydra_flags_work(jobs, capsys):
    assert exit_code("train", "--cfg", "job", "--package", "trainer", "trainer.patience=5") == 0
    assert "patience: 5" in capsys.readouterr().out
    assert exit_code("train", "--help") == 0
    out = capsys.readouterr().out
    assert out.startswith("usage: perspectives train [group=choice")
    assert "\nlogger: csv, wandb\n" in out
    assert "\ncomposition: " not in out
    assert "Powered by" not in out
    assert jobs == []


def test_the_help_of_a_verb_lists_what_it_takes(jobs, capsys):
    assert exit_code("jury", "--help") == 0
    shown, _, options = capsys.readouterr().out.partition("Options, with the values")
    assert shown.startswith("usage: perspectives jury [group=choice")
    assert "\n\ncomposition: balanced, population, proportional\npaths: default\n\n" in shown
    assert "model:" not in shown
    assert "\nsize: 12\n" in options


@pytest.mark.parametrize(("verb", "needed"), [("data", "action"), ("reproduce", "PAPER")])
def test_only_what_is_required_is_called_required(verb, needed, capsys):
    assert exit_code(verb) == 2
    assert capsys.readouterr().err.endswith(f"error: the following arguments are required: {needed}\n")


def exit_code(*args):
    """Hydra ends the process after some flags."""
    try:
        return cli.main(list(args))
    except SystemExit as end:
        return end.code


def test_a_reader_that_stops_reading_is_no_error():
    command = " ".join([*PROGRAM, "train", "--help", "|", "head", "-1", ";", "echo", "${PIPESTATUS[0]}"])
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60)
    assert result.stderr == ""
    assert result.stdout.startswith("usage: perspectives train [group=choice")


# Several jobs. -----------------------------------------------------------------------------------------------------


def test_failing_jobs_do_not_stop_the_others(jobs, capsys, tmp_path):
    assert cli.main(["train", "seed=1,13,14,2", "-m", *SMALL]) == 1
    assert [cfg.seed for cfg, _, _ in jobs] == [1, 13, 14, 2]
    assert jobs[3][1] == ["perspectives", "train", "seed=2", *SMALL]
    err = capsys.readouterr().err
    small = " ".join(SMALL)
    assert err.splitlines()[-2:] == [
        f"perspectives train: failed: seed=13 {small}: thirteen is unlucky; use another seed",
        f"perspectives train: failed: seed=14 {small}: out of memory",
    ]
    assert f"perspectives train: job 3: seed=2 {small}\n" in err
    assert "RuntimeError: out of memory" in err  # a bug shows where it is
    assert "RunError" not in err
    assert len(list((tmp_path / "runs" / ".multirun").glob("*/multirun.yaml"))) == 1


def test_a_sweep_without_failures_ends_well_and_a_mistake_starts_no_job(jobs, capsys):
    assert cli.main(["train", "-m", "model=majority,softlabel", "seed=0,1", *SMALL]) == 0
    assert [(cfg.model.name, cfg.seed) for cfg, _, _ in jobs] == [
        ("majority", 0), ("majority", 1), ("softlabel", 0), ("softlabel", 1)
    ]  # fmt: skip
    assert cli.main(["train", "-m", "seed=0,1", "model=majority,multitsk"]) == 2
    assert "model=multitsk is not available; did you mean multitask?" in capsys.readouterr().err
    assert len(jobs) == 4


# Completion. -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "present", "absent"),
    [
        ("perspectives ", {"train", "compare", "list"}, {"model="}),
        ("perspectives tr", {"train"}, {"model="}),
        ("perspectives train mo", {"model=", "model."}, {"train"}),
        ("perspectives  train model=", {"model=majority", "model=multitask"}, {"train"}),
        ("perspectives train model=majority trainer.batch", {"trainer.batch_size="}, set()),
        ("perspectives data check data=syn", {"data=synthetic"}, set()),
        ("perspectives data groups --attributes age data=syn", {"data=synthetic"}, set()),
        ("perspectives compare mo", set(), {"model="}),
    ],
)
def test_completion_knows_verbs_and_options(line, present, absent, capsys, monkeypatch):
    monkeypatch.setenv("COMP_LINE", line)
    monkeypatch.setattr(sys, "argv", ["perspectives", "-sc", "query=bash"])
    assert cli.main() == 0
    offered = set(capsys.readouterr().out.split())
    assert present <= offered
    assert not absent & offered


def test_completion_can_be_installed(capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["perspectives", "-sc", "install=bash"])
    assert cli.main() == 0
    assert capsys.readouterr().out.rstrip().endswith("hydra_bash_completion perspectives")
    monkeypatch.setattr(sys, "argv", ["perspectives", "-sc", "uninstall=bash"])
    assert cli.main() == 0
    assert "unset hydra_bash_completion" in capsys.readouterr().out
