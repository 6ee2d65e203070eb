"""Training on labels that a method of truth inference gives, from the annotations of the part alone."""

from dataclasses import replace

import numpy as np
from running import TINY, places, train

from perspectives.config import compose, instantiate
from perspectives.data.load import load
from perspectives.models.majority import inferred_labels, majority_labels
from perspectives.runs.run import Run
from perspectives.training.fit import normalised
from perspectives.training.training import Training

MACE = (*TINY, "model=majority", "model.target=mace", "model.tie=lowest", "data.reader.careless=0.4")


def test_train_labels_know_nothing_of_the_other_parts(tmp_path):
    config = compose("train", [*MACE, *places(tmp_path)])
    annotations = load(config.data)
    split = instantiate(config.split, annotations=annotations)
    rows = split.rows("train")
    other = annotations.annotations.copy()
    elsewhere = ~np.isin(np.arange(len(other)), rows)
    other.loc[elsewhere, "label"] = other.loc[elsewhere, "label"].to_numpy()[::-1]
    changed = replace(annotations, annotations=other)
    found = [Training(config, x, split, Run(tmp_path / "run")).targets["train"] for x in (annotations, changed)]
    assert found[0].annotations.equals(found[1].annotations)
    shown = annotations.select(rows)
    expected = inferred_labels(shown, "mace", "lowest", 0)
    assert found[0].annotations.equals(expected.annotations)
    assert (found[0].labels != majority_labels(shown, "lowest", 0).labels).any()


def test_a_control_counts_where_labels_are_inferred_from_who_said_what():
    control = "control=shuffled_ids"
    assert normalised(compose("train", [*MACE, control])).control == "shuffled_ids"
    assert normalised(compose("train", [*TINY, "model=majority", control])).control == "none"


def test_it_is_a_run_of_its_own(tmp_path):
    run, majority = train(tmp_path, *MACE), train(tmp_path, *MACE, "model.target=majority")
    assert run.config["model"]["target"] == "mace"
    assert run.finished
    assert run.folder != majority.folder
