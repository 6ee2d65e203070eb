"""Runs of one method as one set of predictions per seed."""

import json
from dataclasses import replace

import numpy as np
import pytest
from invented import predictions, written

from perspectives.errors import RunError
from perspectives.runs.joined import joined


@pytest.fixture
def runs(tmp_path):
    """Two folds of ten items, two seeds."""
    found = predictions(items=10)
    for fold in (0, 1):
        half = found.select(found.item_index % 2 == fold)
        for seed in (0, 1):
            noise = np.random.default_rng(seed).random(half.everyone.shape, np.float32)
            everyone = (half.everyone + noise) / (half.everyone + noise).sum(-1, keepdims=True)
            written(tmp_path / "runs", replace(half, everyone=everyone), seed=seed, fold=fold)
    return tmp_path / "runs"


def test_folds_are_joined_and_seeds_averaged(runs):
    found = joined(runs)
    assert (found.name, found.folder, len(found.runs)) == ("jury", runs, 4)
    assert sorted(found.by_seed) == [0, 1]
    whole = predictions(items=10)
    for one in (*found.by_seed.values(), found.mean):
        assert sorted(one.items["item_id"]) == sorted(whole.items["item_id"])
        assert len(one) == len(whole)
    mean = (found.by_seed[0].answers() + found.by_seed[1].answers()) / 2
    np.testing.assert_allclose(found.mean.answers(), mean, rtol=1e-6)
    for row, item in enumerate(found.mean.items["item_id"]):
        fold = int(item[1:]) % 2
        alone = joined(runs / f"jury-f{fold}-s1").mean
        np.testing.assert_array_equal(
            found.by_seed[1].answers()[row], alone.answers()[alone.items["item_id"].tolist().index(item)]
        )


def test_one_run_stays_on_disk(runs):
    found = joined(runs / "jury-f0-s0")
    assert isinstance(found.mean.answers(), np.memmap)
    assert found.mean is found.mean


@pytest.mark.parametrize("given", ["jury-*", "jury-f?-s[01]", ["jury-f0-s0", "jury-f1-s0"], "."])
def test_patterns_lists_and_folders(runs, given):
    paths = [str(runs / one) for one in given] if isinstance(given, list) else str(runs / given)
    assert len(joined(paths).runs) == (2 if isinstance(given, list) else 4)


def test_priors_beside_a_method_are_passed_over(runs):
    written(runs, predictions(items=10), name="priors")
    assert joined(runs).name == "jury"
    with pytest.raises(RunError, match="holds runs of priors only; name runs of a trained method"):
        joined(runs / "priors-*")


def test_where_data_lies_and_how_progress_is_shown_do_not_matter(runs):
    found = predictions(items=10)
    for fold in (0, 1):
        changed = {"trainer": {"progress": bool(fold), "rate": 1}, "paths": {"runs": f"/{fold}"}}
        data = {"name": "invented", "reader": {"path": f"/{fold}"}}
        written(runs / "same", found.select(found.item_index % 2 == fold), fold=fold, data=data, **changed)
    assert len(joined(runs / "same").mean) == len(found)


def test_several_methods_or_settings_are_listed(runs):
    written(runs, predictions(items=10), name="multitask")
    with pytest.raises(RunError) as refusal:
        joined(runs)
    assert "one trained method is read at a time, and these are 2; name its runs, for" in str(refusal.value)
    assert f"- {runs / 'jury-f0-s0'} (4 runs)" in str(refusal.value)
    assert f"- {runs / 'multitask-f0-s0'} (1 run)" in str(refusal.value)
    written(runs / "jury-wide", predictions(items=10), model={"name": "jury", "width": 9})
    with pytest.raises(RunError, match="these are 2"):
        joined(runs / "jury-*")


def test_other_data_or_results_of_another_version_are_not_mixed(runs):
    for key, value in (("results_version", 2), ("data", {"checksum": "11", "notes": []})):
        path = runs / "jury-f1-s1" / "provenance.json"
        before = path.read_text()
        path.write_text(json.dumps(json.loads(before) | {key: value}))
        with pytest.raises(RunError, match="these are 2"):
            joined(runs)
        path.write_text(before)
    assert len(joined(runs).runs) == 4


def test_what_is_missing_unfinished_or_there_twice(runs, tmp_path):
    with pytest.raises(RunError, match=r"nothing-\* holds no run; pass run folders"):
        joined(runs / "nothing-*")
    found = predictions(items=10)
    written(runs / "again", found.select(found.item_index % 2 == 0))
    with pytest.raises(RunError, match=r"two runs are jury, fold 0, seed 0, .*; name the runs you mean"):
        joined(runs)
    with pytest.raises(RunError, match="not all seeds have the same folds; train the missing ones, or name the runs"):
        joined([runs / "jury-f0-s0", runs / "jury-f0-s1", runs / "jury-f1-s1"])
    (runs / "jury-f1-s0" / "metrics.json").unlink()
    with pytest.raises(RunError, match=r"these runs are unfinished; run their commands again .*\n  - jury-f1-s0"):
        joined(runs / "jury-*")
