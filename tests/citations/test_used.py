"""What runs used: by configurations, by real small trainings, and through `perspectives cite`."""

import argparse
import json

import pytest
import yaml
from running import TINY, train

from perspectives.citations import used
from perspectives.citations.bibliography import entries
from perspectives.citations.used import ROLES, Use, uses
from perspectives.config import choices, compose
from perspectives.errors import ConfigError, RunError
from perspectives.quality.aggregation.methods import METHODS
from perspectives.runs.run import Run
from perspectives.verbs import cite

ITEMS = "data.reader.items=60"


def run_of(folder, *overrides, metrics=("individual/accuracy",), fixed=True, finished=True, temperature=1.0, **more):
    """A run folder as `perspectives train OVERRIDES` would leave it, without training."""
    from omegaconf import OmegaConf

    folder.mkdir(parents=True)
    config = OmegaConf.to_container(compose("train", list(overrides)))
    (folder / "config.yaml").write_text(yaml.safe_dump(config | more))
    (folder / "provenance.json").write_text(json.dumps({"versions": {"perspectives": "9.9"}}))
    row = {"value": 0.5, "clusters": {"item": 9, "annotator": 9}, "annotators_fixed": fixed}
    scores = {config["model"]["name"]: {"test": {"metrics": dict.fromkeys(metrics, row)}}}
    if finished:
        (folder / "metrics.json").write_text(json.dumps({"predictions": scores, "temperature": temperature}))
    return Run(folder)


def keys(run, role):
    return [use.key for use in uses([run]) if use.role == role]


def cited(capsys, *options):
    parser = argparse.ArgumentParser()
    cite.add_arguments(parser)
    cite.main(parser.parse_args(list(options)))
    return capsys.readouterr().out


def test_every_key_of_the_mapping_has_an_entry():
    tables = [*used.MODELS.values(), *used.INFERENCE.values(), *(keys for _, keys in used.ENCODERS)]
    named = [key for table in tables for key in table]
    named += [key for _, key in used.DYNAMICS] + [key for _, _, key in used.METRICS]
    named += [used.GROUP_LAYERS, used.NGRAMS, used.LORA, used.TEMPERATURE, used.INTERVALS, used.HOLM, used.SOFTWARE]
    assert len(named) > 40
    assert set(named) <= set(entries())


def test_every_method_of_truth_inference_and_every_model_is_known(tmp_path):
    assert set(METHODS) <= set(used.INFERENCE)
    for model in choices("model"):
        run = run_of(tmp_path / model, f"model={model}")
        assert not [use for use in uses([run]) if use.key is None]
    assert len(choices("model")) >= 13


def test_every_encoder_offered_is_known(tmp_path):
    found = {}
    for encoder in choices("encoder"):
        found[encoder] = keys(run_of(tmp_path / encoder, f"encoder={encoder}"), "encoder")
    assert found == {
        "bert_base": ["devlin-etal-2019-bert"],
        "bertweet_base": ["nguyen-etal-2020-bertweet"],
        "minilm": ["wang-etal-2020-minilm", "reimers-gurevych-2019-sentence"],
        "ngrams": ["deerwester-etal-1990-indexing"],
        "roberta_base": ["liu-etal-2019-roberta"],
        "tiny": [],
        "xlmr_base": ["conneau-etal-2020-unsupervised"],
    }


def test_what_has_no_reference_is_named(tmp_path, capsys):
    run = run_of(tmp_path / "a", "encoder=minilm", "encoder.name=distilbert/distilbert-base-cased", "data=table")
    assert Use(
        "encoder", "distilbert/distilbert-base-cased is not known here; cite what its model card says", None
    ) in (uses([run]))
    text = cited(capsys, f"run={run.folder}")
    assert text.startswith("% data: table is in no catalogue; cite its paper\n% encoder: distilbert/")


def test_owners_on_the_hub_make_no_difference(tmp_path):
    run = run_of(tmp_path / "a", "encoder.name=FacebookAI/xlm-roberta-large", "encoder.tune=lora")
    assert keys(run, "encoder") == ["conneau-etal-2020-unsupervised"]
    assert keys(run, "training") == ["hu-etal-2022-lora"]


def test_what_was_asked_for_is_cited_and_what_was_not_is_not(tmp_path):
    plain = run_of(tmp_path / "plain", "model=majority", "calibrate=false")
    assert [use.role for use in uses([plain])] == ["encoder", "encoder", "software"]
    full = run_of(
        tmp_path / "full",
        *("model=majority", "model.target=mace", "dynamics=true", "data=gwsd"),
        metrics=("soft/jsd", "calibration/dist_ce", "lewidi2023/micro_f1"),
        fixed=False,
        temperature=1.7,
    )
    assert keys(full, "data") == ["luo-etal-2020-detecting"]
    assert keys(full, "labels") == ["hovy-etal-2013-learning"]
    assert keys(full, "training")[0] == "guo-etal-2017-calibration"
    assert len(keys(full, "training")) == 4
    assert keys(full, "metrics") == [
        "leonardelli-etal-2023-semeval",
        "uma-etal-2021-learning",
        "baan-etal-2022-stop",
        "cameron-etal-2011-robust",
    ]
    layered = run_of(tmp_path / "layered", "model=multitask", "model.group_layers=gender")
    assert keys(layered, "model") == ["davani-etal-2022-dealing", "orlikowski-etal-2023-ecological"]


def test_an_ensemble_is_davanis_though_its_members_are_blind(tmp_path):
    assert keys(run_of(tmp_path / "a", "model=ensemble"), "model") == ["davani-etal-2022-dealing"]
    assert keys(run_of(tmp_path / "b", "model=softlabel"), "model") == ["uma-etal-2021-learning"]


def test_several_methods_are_compared_and_each_entry_comes_once(tmp_path, capsys):
    for seed in (0, 1):
        for model in ("multitask", "multitask_shared"):
            run_of(tmp_path / "runs" / f"{model}-{seed}", f"model={model}", f"seed={seed}", "data=hs_brexit")
    text = cited(capsys, f"run={tmp_path}/runs")
    found = [line for line in text.splitlines() if line.startswith("@")]
    assert len(found) == len(set(found))
    assert "% model: multitask\n% model: multitask_shared\n@article{davani-etal-2022-dealing," in text
    assert "@article{holm-1979-simple," in text
    assert "holm" not in cited(capsys, f"run={tmp_path}/runs/multitask-*")
    roles = [line.split()[1].rstrip(":") for line in text.splitlines() if line.startswith("%")]
    assert [ROLES.index(role) for role in roles] == sorted(ROLES.index(role) for role in roles)
    assert text == cited(capsys, f"run={tmp_path}/runs")


def test_output_is_a_file_and_unfinished_runs_are_left_out(tmp_path, capsys):
    run_of(tmp_path / "runs" / "a", "data=hatecheck")
    run_of(tmp_path / "runs" / "b", "data=gwsd", finished=False)
    assert cited(capsys, f"run={tmp_path}/runs", f"output={tmp_path}/a.bib") == f"{tmp_path}/a.bib\n  of 1 run\n"
    text = (tmp_path / "a.bib").read_text()
    assert text.startswith(
        "% left out, unfinished: b\n\n% data: hatecheck\n@inproceedings{rottger-etal-2021-hatecheck,"
    )
    assert "luo-etal" not in text
    assert text.endswith("}\n")


def test_wrong_uses_are_one_message(tmp_path, capsys):
    with pytest.raises(RunError, match=r"nowhere holds no run; pass run folders, or a folder above them"):
        cited(capsys, f"run={tmp_path}/nowhere")
    run_of(tmp_path / "runs" / "b", finished=False)
    with pytest.raises(RunError, match=r"no run in .*/runs is finished; resume .*/runs/b with the command"):
        cited(capsys, f"run={tmp_path}/runs")
    with pytest.raises(ConfigError, match=r"'runs' is not an option; did you mean run=\?"):
        cited(capsys, "runs=x")
    with pytest.raises(ConfigError, match="run is missing; give run=…"):
        cited(capsys)


def test_real_runs(tmp_path, capsys):
    train(tmp_path, ITEMS, *TINY, "model=jury", "dynamics=true")
    train(tmp_path, ITEMS, "model=priors")
    text = cited(capsys, f"run={tmp_path}/runs")
    found = [line.partition("{")[2].rstrip(",") for line in text.splitlines() if line.startswith("@")]
    assert found[:2] == ["gordon-etal-2022-jury", "wang-etal-2021-dcn"]
    assert found[-1] == "perspectives"
    assert {"baan-etal-2022-stop", "cameron-etal-2011-robust", "swayamdipta-etal-2020-dataset"} <= set(found)
    assert "% data" not in text  # invented, so nobody's
