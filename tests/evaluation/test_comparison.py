"""Several runs in one table: joined, averaged, paired, refused."""

import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t as student
from sklearn.metrics import f1_score

from perspectives.cli import main
from perspectives.config import compose
from perspectives.errors import DataError, RunError
from perspectives.evaluation.comparison import Entry, _labelled, _of_several_encoders, entries, ordered
from perspectives.evaluation.controls import without_control
from perspectives.evaluation.scores import Evaluation
from perspectives.evaluation.tables import group_table, table
from perspectives.metrics.intervals import holm
from perspectives.runs.run import Run
from perspectives.training.fit import fit
from perspectives.verbs.compare import chosen, control_notes, group_notes, notes

SMALL = [
    "data.reader.items=60",
    "data.reader.annotators=24",
    "encoder=tiny",
    "trainer.max_epochs=2",
    "trainer.progress=false",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs of two methods, two folds and two seeds, and two configurations of one of them."""
    root = tmp_path_factory.mktemp("compare")
    places = [f"paths.runs={root}/runs", f"paths.cache={root}/cache"]
    for fold in (0, 1):
        for seed in (0, 1):
            for model in (["model=majority"], ["model=multitask"], ["model=multitask", "optim.lr=0.1"]):
                fit(compose(overrides=[*SMALL, *places, *model, f"split.fold={fold}", f"seed={seed}"]))
    return root / "runs" / "synthetic"


def by_name(found: list[Entry]) -> dict[str, Entry]:
    return {entry.name: entry for entry in found}


def test_folds_are_joined_and_seeds_averaged(folder: Path) -> None:
    entry = by_name(entries([folder])[0])["majority"]
    assert (entry.folds, len(entry.evaluations)) == (2, 2)
    scores = []
    for seed in (0, 1):
        runs = [Run(path) for path in folder.glob(f"majority-*-s{seed}-*")]
        parts = [run.predictions()["majority"] for run in runs]
        truth = np.concatenate([part.observed for part in parts])
        scores.append(f1_score(truth, np.concatenate([part.labels() for part in parts]), average="macro"))
    assert float(entry.estimate("individual/macro_f1")) == pytest.approx(np.mean(scores))
    assert entry.seed_spread("individual/macro_f1") == pytest.approx(np.std(scores, ddof=1))


def test_priors_stand_beside_the_models_though_nobody_ran_them(folder: Path) -> None:
    found = by_name(entries([folder])[0])
    assert {"class_prior", "train_mean", "oracle_majority"} <= set(found)
    assert found["class_prior"].folds == 2
    assert [found[name].kind for name in ("class_prior", "majority", "oracle_majority")] == ["prior", "model", "oracle"]


@pytest.mark.parametrize("layout", ["runs/synthetic", "elsewhere"])
def test_priors_lie_beside_the_runs_wherever_these_are(folder: Path, tmp_path: Path, monkeypatch, layout: str) -> None:
    run = next(folder.glob("majority-*-f0-s0-*"))
    (tmp_path / layout).mkdir(parents=True)
    shutil.copytree(run, tmp_path / layout / run.name)
    monkeypatch.chdir(tmp_path / layout)
    assert "class_prior" in by_name(entries([run.name])[0])
    written = {path.parents[1].relative_to(tmp_path) for path in tmp_path.rglob("priors-*/metrics.json")}
    assert written == {Path(layout) if layout.endswith("synthetic") else Path(layout) / "synthetic"}


def test_priors_of_data_or_a_version_that_changed_are_not_computed(folder: Path, tmp_path: Path) -> None:
    for run in folder.glob("majority-*"):
        provenance = Path(shutil.copytree(run, tmp_path / "synthetic" / run.name)) / "provenance.json"
        provenance.write_text(provenance.read_text().replace('"results_version": 1', '"results_version": 0'))
    for _ in range(2):  # nothing is left behind that could not be compared
        found, said = entries([tmp_path])
        assert [entry.name for entry in found] == ["majority"]
        assert any(note.startswith("Priors left out, they cannot be computed here: the data, or how") for note in said)
    assert not list(tmp_path.rglob("priors-*"))


def test_a_pattern_names_runs(folder: Path) -> None:
    names = {entry.name for entry in entries([f"{folder}/majority-*"])[0] if entry.kind == "model"}
    assert names == {"majority"}


def test_settings_of_one_kind_of_encoder_are_told_apart_beside_another_kind() -> None:
    transformer = {"encoder._target_": "perspectives.models.encoder.Transformer", "encoder.name": "minilm"}
    kinds = [transformer | {"encoder.tune": tune, "encoder.pairs": "together"} for tune in ("frozen", "full")]
    kinds += [{"encoder._target_": "perspectives.models.ngrams.Ngrams", "encoder.hidden": 64}]
    found = _labelled([Entry("jury", [], 1, options) for options in kinds])
    said = "Encoders differ: minilm (frozen) in jury; minilm (full) in jury; ngrams in jury."
    assert _of_several_encoders([Entry("jury", [], 1, options) for options in kinds]) == [said]
    assert [entry.name for entry in found] == [
        *("jury encoder=minilm, encoder.tune=frozen", "jury encoder=minilm, encoder.tune=full", "jury encoder=ngrams"),
    ]


def test_configurations_are_told_apart_and_the_best_is_chosen_on_validation(folder: Path) -> None:
    configurations = {
        name: entry for name, entry in by_name(entries([folder])[0]).items() if name.startswith("multitask")
    }
    assert set(configurations) == {"multitask optim.lr=0.001", "multitask optim.lr=0.1"}
    (best,) = [entry for entry in entries([folder], best=True)[0] if entry.name.startswith("multitask")]
    winner = min(configurations.values(), key=lambda entry: entry.validation)
    assert best.name == f"multitask (best of 2: {winner.name.removeprefix('multitask ')})"
    assert best.validation == winner.validation


def test_differences_are_paired_and_corrected(folder: Path) -> None:
    found, _ = entries([folder])
    long = table(found, "majority", ["individual/macro_f1"]).set_index("entry")
    a, b = (by_name(found)[name].estimate("individual/macro_f1") for name in ("multitask optim.lr=0.1", "majority"))
    row = long.loc["multitask optim.lr=0.1"]
    assert row["difference"] == pytest.approx(float(a) - float(b))
    items, people = (getattr(found[0].evaluations[0].predictions, name) for name in ("item_index", "annotator_index"))
    influence = pd.Series(a.influence - b.influence)
    by_item, by_person = (np.square(influence.groupby(ids).sum()) for ids in (items, people))
    variance = sum(x.sum() * len(x) / (len(x) - 1) for x in (by_item, by_person))
    variance -= np.square(influence).sum() * len(influence) / (len(influence) - 1)
    half = (row["difference_high"] - row["difference_low"]) / 2
    assert half == pytest.approx(student.ppf(0.975, len(by_person) - 1) * np.sqrt(variance))
    tested = long[long["kind"] != "oracle"]
    np.testing.assert_allclose(tested["p_holm"], holm(tested["p"].to_numpy()))
    assert long.loc[long["kind"] == "oracle", "p_holm"].isna().all()
    said = "No differences: no row is called majority; --baseline NAME takes another."
    assert said in notes(table(found, None, ["individual/macro_f1"]), None, None)
    assert said not in notes(long.reset_index(), "majority", None)


def test_the_order_of_pairs_does_not_matter(folder: Path) -> None:
    predictions = next(iter(Run(next(folder.glob("majority-*"))).predictions().values()))
    shuffle = np.random.default_rng(0).permutation(len(predictions))
    shuffled = replace(
        predictions, pairs=predictions.pairs.iloc[shuffle].reset_index(drop=True), values=predictions.values[shuffle]
    )
    first, second = (Evaluation(ordered(p)) for p in (predictions, shuffled))
    assert first.predictions.same_pairs(second.predictions)
    for name, estimate in first.estimates.items():
        assert float(estimate) == pytest.approx(float(second.estimates[name]), nan_ok=True)


def test_an_outside_model_is_scored_on_the_same_pairs(folder: Path, tmp_path: Path) -> None:
    reference = by_name(entries([folder])[0])["majority"].evaluations[0].predictions
    answers = reference.pairs[["item_id", "annotator_id"]].assign(prediction="rude")
    answers.sample(frac=1, random_state=0).to_csv(tmp_path / "my_llm.csv", index=False)
    entry = by_name(entries([folder, tmp_path / "my_llm.csv"])[0])["my_llm"]
    assert float(entry.estimate("individual/accuracy")) == pytest.approx((reference.pairs["label"] == "rude").mean())
    answers.iloc[1:].to_csv(tmp_path / "gap.csv", index=False)
    with pytest.raises(DataError, match="has no answer for 1 of"):
        entries([folder, tmp_path / "gap.csv"])


def test_runs_that_cannot_be_compared_are_refused(folder: Path, tmp_path: Path) -> None:
    places = [f"paths.runs={tmp_path}", f"paths.cache={tmp_path}"]
    other = fit(compose(overrides=[*SMALL, *places, "model=priors", "data.reader.seed=5"]))
    with pytest.raises(RunError, match="2 corpora, splits or versions; compare one at a time"):
        entries([folder, other.folder])
    single = fit(compose(overrides=[*SMALL, *places, "model=softlabel"]))
    with pytest.raises(RunError, match="holds no run"):
        entries([tmp_path / "nowhere"])
    (single.folder / "metrics.json").unlink()
    with pytest.raises(RunError, match="none of the 1 runs is finished"):
        entries([single.folder])


@pytest.mark.parametrize(
    ("style", "line"),
    [
        ("text", "majority"),
        ("markdown", "| majority |"),
        ("latex", r"\begin{tabular}"),
        ("csv", "entry,kind,metric,value"),
    ],
)
def test_the_command_prints_every_format(folder: Path, style: str, line: str, capsys: pytest.CaptureFixture) -> None:
    assert main(["compare", str(folder), "--format", style]) == 0
    printed = capsys.readouterr().out
    assert line in printed
    assert "oracle_majority" in printed.replace(r"\_", "_")


def test_the_command_writes_files_and_names_metrics(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    out = [str(tmp_path / name) for name in ("table.csv", "plot.svg")]
    assert (
        main(
            [
                "compare",
                str(folder),
                "--metrics",
                "soft,individual/f1",
                "--format",
                "csv",
                "--output",
                out[0],
                "--figure",
                out[1],
            ]
        )
        == 0
    )
    long = pd.read_csv(out[0])
    assert {"soft/manhattan", "individual/f1"} <= set(long["metric"])
    assert "individual/accuracy" not in set(long["metric"])
    assert (long["low"] <= long["value"]).all()
    assert "multitask" in Path(out[1]).read_text()
    assert capsys.readouterr().out == f"{out[0]}\n"
    assert main(["compare", str(folder), "--metrics", "individual/f2"]) == 2
    assert "metric 'individual/f2' is not available here; choose from" in capsys.readouterr().err
    assert main(["compare", str(folder), "--metrics", "macro_f1"]) == 2
    assert "did you mean individual/macro_f1 or majority/macro_f1? choose from" in capsys.readouterr().err
    output = tmp_path / "table.txt"
    options = ["--figure", str(tmp_path / "plot.gif"), "--output", str(output)]
    assert main(["compare", str(folder), *options]) == 2
    assert "plot.gif must end in .png, .svg or .pdf" in capsys.readouterr().err
    assert not output.exists()  # refused first


def test_metrics_may_have_spaces_after_commas() -> None:
    assert chosen("soft/jsd, individual", ["individual/f1", "soft/jsd", "soft/mae"]) == ["soft/jsd", "individual/f1"]


def test_what_is_left_out_is_said(folder: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "runs"))
    assert entries([copy])[1] == []
    stopped = next(copy.glob("multitask-*-f1-s1-*"))
    for run in copy.glob("multitask-*-s1-*"):
        (run / "metrics.json").unlink()
    found, notes = entries([copy])
    assert len(notes) == 1
    assert notes[0].startswith("Left out, unfinished: ")
    assert stopped.name in notes[0]
    assert len(by_name(found)["majority"].evaluations) == 2


@pytest.mark.parametrize("kept", ["everyone", "dynamics"])
def test_a_run_that_kept_more_is_the_same_row(folder: Path, tmp_path: Path, kept: str) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "runs"))
    again = Path(shutil.copytree(next(copy.glob("majority-*")), copy / "again"))
    config = (again / "config.yaml").read_text(encoding="utf-8")
    assert f"{kept}: false" in config
    changed = config.replace(f"{kept}: false", f"{kept}: true").replace("max_bytes: ", "max_bytes: 1")
    (again / "config.yaml").write_text(changed, encoding="utf-8")
    assert sorted(by_name(entries([copy])[0])) == sorted(by_name(entries([folder])[0]))


def test_two_runs_or_rows_of_one_name_are_refused(folder: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "runs"))
    run = next(copy.glob("majority-*"))
    shutil.copytree(run, copy / "again")
    with pytest.raises(RunError, match=r"two runs are majority, fold \d, seed \d, with the same settings"):
        entries([copy])
    table_of = by_name(entries([folder])[0])["majority"].evaluations[0].predictions.pairs
    table_of[["item_id", "annotator_id"]].assign(prediction="rude").to_csv(tmp_path / "majority.csv", index=False)
    with pytest.raises(RunError, match="two rows would be called majority; rename the table of predictions"):
        entries([folder, tmp_path / "majority.csv"])
    with pytest.raises(RunError, match="scored on the test pairs of a run; add a run folder"):
        entries([tmp_path / "majority.csv"])


def test_results_of_another_version_are_not_mixed_in(folder: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "runs"))
    provenance = next(copy.glob("majority-*")) / "provenance.json"
    provenance.write_text(provenance.read_text().replace('"results_version": 1', '"results_version": 0'))
    with pytest.raises(RunError, match="2 corpora, splits or versions"):
        entries([copy])


def test_comparing_loads_no_model(folder: Path) -> None:
    code = (
        "import sys; from perspectives.cli import main; main(sys.argv[1:]); "
        "print([name for name in ('torch', 'lightning', 'transformers') if name in sys.modules])"
    )
    command = [sys.executable, "-c", code, "compare", str(folder)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "multitask" in printed
    assert printed.splitlines()[-1] == "[]"


def test_runs_on_other_folds_than_most_are_left_out(folder: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "runs"))
    gone = next(copy.glob("majority-*-f1-s1-*"))
    shutil.rmtree(gone)
    places = [f"paths.runs={tmp_path}", f"paths.cache={tmp_path}"]
    third = fit(compose(overrides=[*SMALL, *places, "model=multitask", "split.fold=2"]))
    found, notes = entries([copy, third.folder])
    assert {entry.folds for entry in found} == {2}
    assert len(by_name(found)["majority"].evaluations) == 1
    (note,) = notes
    assert note.startswith("Left out, other folds than most: ")
    assert third.folder.name in note
    assert next(copy.glob("majority-*-f0-s1-*")).name in note


# Groups of annotators. ---------------------------------------------------------------------------------------------


def test_a_group_is_scored_like_scikit_learn_scores_its_pairs(folder: Path) -> None:
    entry = by_name(entries([folder])[0])["majority"]
    scores = entry.groups("individual/macro_f1", "gender").scores
    scored = [score for score in scores if score.interval is not None]
    assert len(scored) == 2
    parts = [evaluation.predictions for evaluation in entry.evaluations]
    gender = parts[0].pairs[["annotator_id"]].merge(parts[0].annotators, on="annotator_id")["gender"]
    for score in scored:
        rows = (gender == score.name).to_numpy()
        expected = [f1_score(p.observed[rows], p.labels()[rows], average="macro") for p in parts]
        assert score.interval.value == pytest.approx(np.mean(expected))  # over the seeds
        assert (score.pairs, score.people) == (rows.sum(), parts[0].pairs["annotator_id"][rows].nunique())
    people = {score.name: score.people for score in scores}
    judging = parts[0].pairs.assign(gender=gender).drop_duplicates("annotator_id")
    known = judging["gender"] != "unknown"
    assert sum(people.values()) == known.sum() < len(known)
    asked = entry.groups("individual/macro_f1", "gender", unknown=True).scores
    assert sum(score.people for score in asked) == len(known)


def test_a_group_is_scored_on_items_as_its_own_raters_labelled_them(folder: Path) -> None:
    entry = by_name(entries([folder])[0])["majority"]
    gaps = {}
    for metric in ("soft/manhattan", "majority/accuracy", "calibration/bias_rude"):
        scores = entry.groups(metric, "gender")
        for score in (score for score in scores.scores if score.interval is not None):
            expected = []
            for evaluation in entry.evaluations:
                p = evaluation.predictions
                pairs = p.pairs.merge(p.annotators, on="annotator_id", how="left")
                pairs = pairs.assign(observed=p.observed, predicted=p.labels(), rude=p.probabilities()[:, 1])
                per_item = pairs[pairs["gender"] == score.name].groupby("item_id")
                items = per_item[["observed", "predicted", "rude"]].mean()
                if metric == "soft/manhattan":
                    expected.append((2 * (items["observed"] - items["rude"]).abs()).mean())
                elif metric == "majority/accuracy":
                    untied = items[items["observed"] != 0.5]
                    voted = untied["predicted"].where(untied["predicted"] != 0.5, untied["rude"]) > 0.5
                    expected.append((voted == (untied["observed"] > 0.5)).mean())
                else:
                    count = per_item.size()
                    expected.append(((items["rude"] - items["observed"]) * count).sum() / count.sum())
                assert score.items == len(items)
            assert score.interval.value == pytest.approx(np.mean(expected))
            assert set(score.interval.clusters) == {"item"}
        scored = {score.name: score.interval.value for score in scores.scores if score.interval is not None}
        gaps[metric] = scores.gap.value
        assert scores.gap.value == pytest.approx(max(scored.values()) - min(scored.values()))
        size = {"soft/manhattan": float, "majority/accuracy": lambda value: -value, "calibration/bias_rude": abs}[
            metric
        ]
        assert scores.worst == max(scored, key=lambda name: size(scored[name]))
    long = group_table([entry], list(gaps), ["gender"])
    assert not long[["annotators_fixed", "gap_annotators_fixed"]].any(axis=None)
    lines = group_notes(long, entry.evaluations[0].predictions, ["gender"])
    assert "Metrics of items take each item as the group's own raters labelled it; intervals are over items." in lines


def test_the_command_prints_groups_in_every_format(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    command = ["compare", str(folder), "--groups", "gender,age"]
    assert main(command) == 0
    text = capsys.readouterr().out
    assert "individual/" in text
    assert re.search(r"^people +\d+ +\d+", text, re.MULTILINE)
    assert re.search(r"^majority +\.\d{3} ± \.\d{3} ‡ .* (Man|Woman) +\.\d{3}", text, re.MULTILINE)
    assert "‡ fewer than 20 people in a group: the interval is over items, for these people." in text
    assert "gap is the highest minus the lowest group, above 0 by chance alone." in text
    assert main([*command, "--format", "markdown"]) == 0
    markdown = capsys.readouterr().out
    assert "| individual/macro_f1 by gender | " in markdown
    assert re.search(r"\| individual/macro_f1 by age \| up to \S+ \| over \S+ to \S+ \|", markdown)
    assert main([*command, "--format", "latex", "--metrics", "individual"]) == 0
    latex = capsys.readouterr().out
    assert latex.count(r"\begin{tabular}") == 2 * len([m for m in _metrics(folder) if m.startswith("individual/")])
    assert r"$^\ddagger$" in latex
    assert main([*command, "--format", "csv", "--output", str(tmp_path / "groups.csv")]) == 0
    long = pd.read_csv(tmp_path / "groups.csv")
    assert set(long["attribute"]) == {"gender", "age"}
    one = long[(long["entry"] == "majority") & (long["attribute"] == "age")]
    assert one["gap"].nunique() == 1
    assert one["gap"].iloc[0] == pytest.approx(one["value"].max() - one["value"].min())
    assert one.loc[one["worst"], "value"].tolist() == [one["value"].min()]
    assert len(one) == 4


def _metrics(folder: Path) -> list[str]:
    return entries([folder])[0][0].metrics


def test_what_cannot_be_grouped_is_said(folder: Path, capsys: pytest.CaptureFixture) -> None:
    for options, said in (
        (["--groups", "sex"], "there is no attribute 'sex'; choose from gender, age, region, or all"),
        (["--unknown"], "--unknown says whom --groups compares; add --groups ATTRIBUTES"),
    ):
        assert main(["compare", str(folder), *options]) == 2
        assert said in capsys.readouterr().err


def test_in_a_corpus_of_a_few_people_every_group_is_suppressed(folder: Path) -> None:
    entry = by_name(entries([folder])[0])["majority"]
    few = entry.evaluations[0].predictions
    judging = few.annotators["annotator_id"].isin(few.pairs["annotator_id"])
    people = few.annotators[judging].reset_index(drop=True)
    people["camp"] = [f"camp {n // 3}" if n < 21 else "unknown" for n in range(len(people))]
    small = replace(entry, evaluations=[Evaluation(replace(few, annotators=people))])
    long = group_table([small], ["individual/macro_f1"], ["camp"])
    assert long[["group", "people", "suppressed", "worst"]].to_numpy().tolist() == [
        ["fewer than 5 (7 values)", 21, True, False]
    ]
    assert long[["value", "gap"]].isna().all(axis=None)
    lines = group_notes(long, small.evaluations[0].predictions, ["camp"])
    assert "camp: every group is below 5 people, so nothing is scored." in lines
    assert any(line.startswith("camp, fewer than 5 (7 values): not scored; people 21, pairs ") for line in lines)
    missing = len(people) - 21
    assert f"camp: {missing} people of unknown value are in no group; --unknown makes them one." in lines


def test_a_score_of_people_never_seen_counts_only_those_people(folder: Path) -> None:
    entry = by_name(entries([folder])[0])["majority"]
    first = entry.evaluations[0].predictions
    judging = first.annotators[first.annotators["annotator_id"].isin(first.pairs["annotator_id"])]
    strangers = judging["annotator_id"][judging["gender"] == "Man"].iloc[:4]
    labels = first.pairs["training_labels"].where(~first.pairs["annotator_id"].isin(strangers), 0)
    changed = replace(entry, evaluations=[Evaluation(replace(first, pairs=first.pairs.assign(training_labels=labels)))])
    scores = changed.groups("individual/macro_f1_unseen", "gender").scores
    assert [(score.people, score.interval) for score in scores] == [(4, None)]  # too few strangers among the men
    assert sum(score.people for score in changed.groups("individual/macro_f1_seen", "gender").scores) == (
        (judging["gender"] != "unknown").sum() - 4
    )
    row = table([changed, replace(changed, name="other")], "majority", ["individual/macro_f1_unseen"]).iloc[1]
    assert row[["value", "low", "high", "seed_sd", "difference", "difference_low", "p", "p_holm"]].isna().all()


# Controls. ---------------------------------------------------------------------------------------------------------


def test_a_control_has_a_row_of_its_own_and_its_absence_is_noted(folder: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "runs"))
    found = entries([copy])[0]
    assert without_control(found) == {"shuffled_ids": ["multitask"]}  # not the blind majority, not the priors
    (note,) = control_notes(found)
    assert note.startswith("No control beside multitask: `perspectives train model=multitask control=shuffled_ids` ")
    for run in copy.glob("multitask-*"):
        config = run / "config.yaml"
        text = config.read_text()
        if "lr: 0.1" in text:
            config.write_text(re.sub("^control: none$", "control: shuffled_ids", text, flags=re.MULTILINE))
        else:  # as written before there were controls
            config.write_text(re.sub("^control: none\n", "", text, flags=re.MULTILINE))
    found = entries([copy])[0]
    names = [entry.name for entry in found if entry.name.startswith("multitask")]
    assert names == ["multitask optim.lr=0.001", "multitask optim.lr=0.1, control=shuffled_ids"]
    assert control_notes(found) == []
    best = [entry.name for entry in entries([copy], best=True)[0] if entry.name.startswith("multitask")]
    assert best == ["multitask", "multitask control=shuffled_ids"]  # a control is no configuration to choose
    alone = [run for run in copy.glob("multitask-*") if "shuffled_ids" in (run / "config.yaml").read_text()]
    names = [entry.name for entry in entries([*alone, *copy.glob("majority-*")])[0] if entry.kind == "model"]
    assert names == ["majority", "multitask control=shuffled_ids"]  # nobody takes it for the model


def test_a_control_alone_is_told_apart_by_its_name_only(folder: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "runs"))
    for run in copy.glob("multitask-*"):
        config = run / "config.yaml"
        if "lr: 0.1" in config.read_text():
            text = config.read_text().replace("lr: 0.1", "lr: 0.001")
            config.write_text(re.sub("^control: none$", "control: shuffled_ids", text, flags=re.MULTILINE))
    names = [entry.name for entry in entries([copy])[0] if entry.name.startswith("multitask")]
    assert names == ["multitask", "multitask control=shuffled_ids"]


def test_soft_metrics_stand_beside_the_ceiling_of_their_panels(folder: Path, capsys: pytest.CaptureFixture) -> None:
    assert main(["compare", str(folder), "--metrics", "soft/manhattan,individual/f1"]) == 0
    printed = capsys.readouterr().out
    assert re.search(r"a perfect model of each item's rate would still score about soft/manhattan \.\d{3} \(", printed)
    assert main(["compare", str(folder), "--metrics", "individual/f1"]) == 0
    assert "Panels are finite" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "missing"),
    [
        ({"model.ids": True, "model.attributes": None}, ["shuffled_ids", "shuffled_demographics"]),
        ({"model.ids": True, "model.attributes": []}, ["shuffled_ids"]),
        ({"model.ids": False, "model.attributes": ["gender"]}, ["shuffled_demographics"]),
        ({"model.group_layers": "gender"}, ["shuffled_ids", "shuffled_demographics"]),
        ({"model.unseen": "group"}, ["shuffled_ids", "shuffled_demographics"]),
        ({"model.unseen": "mean"}, ["shuffled_ids"]),
        (
            {"model.user_token": False, "model.attribute_text": True, "model.attributes": None},
            ["shuffled_demographics"],
        ),
    ],
)
def test_each_control_is_asked_for_where_there_is_something_to_take_away(folder: Path, options, missing) -> None:
    entry = by_name(entries([folder])[0])["multitask optim.lr=0.1"]
    asked = replace(entry, name="somebody", options={"control": "none"} | options)
    assert list(without_control([asked])) == missing
    for control in missing:
        with_one = replace(asked, name=f"somebody control={control}", options=asked.options | {"control": control})
        assert list(without_control([asked, with_one])) == [other for other in missing if other != control]
    people = asked.evaluations[0].predictions.annotators[["annotator_id"]]
    nameless = [Evaluation(replace(e.predictions, annotators=people)) for e in asked.evaluations]
    assert list(without_control([replace(asked, evaluations=nameless)])) == [m for m in missing if m == "shuffled_ids"]
