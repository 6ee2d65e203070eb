"""The sparse form of annotations against counting one by one; refusals; starts that names do not change."""

import numpy as np
import pandas as pd
import pytest
from crowds import crowd
from scipy.stats import kstest

from perspectives.data.annotations import AnnotationSet, Tables
from perspectives.data.scale import Scale
from perspectives.errors import ConfigError, DataError
from perspectives.quality.aggregation.incidence import Incidence, _keys
from perspectives.quality.aggregation.starts import annotator_draws, fingerprints, level_draws, pair_draws


def test_sums_are_those_of_counting_one_by_one():
    people = crowd(0)
    incidence = people.incidence()
    items, annotators, levels = people.shape
    given = np.zeros(people.shape)
    for item, annotator, label in zip(*people[:3], strict=True):
        given[item, annotator, label] += 1
    np.testing.assert_array_equal(incidence.votes, given.sum(1))
    np.testing.assert_array_equal(incidence.given, given.sum(0))
    np.testing.assert_array_equal(incidence.pairs.toarray(), given.sum(2))
    for level, matrix in enumerate(incidence.by_level):
        np.testing.assert_array_equal(matrix.toarray(), given[:, :, level])
    rng = np.random.default_rng(1)
    weights, posterior = rng.random(annotators), rng.random((items, levels))
    np.testing.assert_allclose(incidence.weighted_votes(weights), np.einsum("ial,a->il", given, weights))
    np.testing.assert_allclose(incidence.hits(posterior), np.einsum("ial,il->al", given, posterior))
    np.testing.assert_allclose(incidence.confusions(posterior), np.einsum("ial,it->atl", given, posterior))
    logs = rng.random((annotators, levels, levels))
    np.testing.assert_allclose(incidence.truth_scores(logs), np.einsum("ial,atl->it", given, logs))


def test_cells_are_sorted_and_count_duplicates():
    incidence = Incidence.build([1, 0, 1, 1], [2, 0, 2, 2], [1, 0, 1, 0], (2, 3, 2), duplicates="keep")
    assert incidence.item.tolist() == [0, 1, 1]
    assert incidence.annotator.tolist() == [0, 2, 2]
    assert incidence.label.tolist() == [0, 0, 1]
    assert incidence.count.tolist() == [1, 1, 2]
    assert incidence.pair.tolist() == [0, 1, 1]
    assert incidence.pairs.toarray().tolist() == [[1, 0, 0], [0, 0, 3]]
    assert incidence.table.sum() == 4  # building the pairs changed nothing


@pytest.mark.parametrize("items", [2**29, 2**29 - 1, 2**32])
def test_codes_whose_product_passes_32_bits(items):
    item = np.array([items - 1, 0, items - 1, items - 1])
    annotator, label = np.array([3, 0, 3, 1]), np.array([1, 0, 1, 1])
    key = _keys([item, annotator, label], (items, 4, 2))
    assert key.tolist() == [8 * i + 2 * a + x for i, a, x in zip(item.tolist(), annotator, label, strict=True)]
    assert key.dtype == (np.uint32 if items == 2**29 - 1 else np.int64)


def annotated(scale: Scale, labels: list, rounds: list | None = None) -> AnnotationSet:
    table = pd.DataFrame({"item_id": ["x", "y", "x"], "annotator_id": ["a", "b", "a" if rounds else "b"]})
    table["label"] = labels
    if rounds:
        table["round"] = rounds
    items = pd.DataFrame({"item_id": ["x", "unlabelled", "y"]})
    return AnnotationSet.from_tables(Tables(table, items, None, scale), "remarks")


def test_of_an_annotation_set():
    scale = Scale("ordinal", ("low", "middle", "high"))
    incidence = Incidence.of(annotated(scale, ["low", "high", "high"]))
    assert incidence.votes.tolist() == [[1, 0, 1], [0, 0, 0], [0, 0, 1]]
    assert incidence.labelled.tolist() == [True, False, True]
    rounds = annotated(scale, ["low", "high", "high"], [1, 1, 2])
    assert Incidence.of(rounds, "keep").votes.tolist() == [[1, 0, 1], [0, 0, 0], [0, 0, 1]]
    with pytest.raises(DataError, match=r"1 annotation\(s\) are of an item that the same annotator labelled already"):
        Incidence.of(rounds)
    with pytest.raises(DataError, match="remarks has interval labels; truth inference on levels needs one level"):
        Incidence.of(annotated(Scale("interval"), [1.0, 2.0, 3.0]))


@pytest.mark.parametrize(
    ("item", "annotator", "label", "message"),
    [
        ([0, 0], [0, 0], [0, 1], r"1 annotation\(s\) are of an item .* leave them out, or choose duplicates=keep"),
        ([0, 1], [0, 0], [0, -1], r"label holds -1 at annotation 1 \(1 such\); accepted is 0 to 1; leave annotations"),
        ([0, 1], [0, 0], [0, np.nan], "label holds nan at annotation 1"),
        ([0, 2], [0, 3], [0, 1], r"(?s)item holds 2 at annotation 1 .*annotator holds 3 at annotation 1"),
        ([0, 1], [0, 0], [0], r"one number per annotation .*; got item \(2,\), annotator \(2,\), label \(1,\)"),
        ([[0], [1]], [[0], [0]], [[0], [1]], r"one number per annotation .*; got item \(2, 1\)"),
        ([0, 1], [0, 0], [0, None], "label holds object, such as 0; accepted are numbers from 0 to 1"),
        (["a", "b"], [0, 0], [0, 1], "item holds <U1, such as .*'a'.*; accepted are numbers from 0 to 1"),
        ([], [], [], "there are no annotations"),
    ],
)
def test_codes_that_cannot_be_used(item, annotator, label, message):
    with pytest.raises(DataError, match=message):
        Incidence.build(item, annotator, label, (2, 2, 2))


def test_other_refusals():
    with pytest.raises(DataError, match="labels need at least two levels; got 1"):
        Incidence.build([0], [0], [0], (1, 1, 1))
    with pytest.raises(ConfigError, match="duplicates='first' is unknown; choose one of error, keep"):
        Incidence.build([0], [0], [0], (1, 1, 2), "first")


def test_random_starts_follow_people_when_everything_is_renamed():
    people = crowd(4)
    rng = np.random.default_rng(0)
    moves = [rng.permutation(size) for size in people.shape]
    order = rng.permutation(len(people.item))
    codes = [move[code][order] for move, code in zip(moves, people[:3], strict=True)]
    incidence, other = people.incidence(), Incidence.build(*codes, people.shape)
    for mine, theirs, move in zip(fingerprints(incidence), fingerprints(other), moves, strict=True):
        np.testing.assert_array_equal(theirs[move], mine)
    _, annotator, level = moves
    np.testing.assert_array_equal(annotator_draws(other, 1, 3)[annotator], annotator_draws(incidence, 1, 3))
    draws = level_draws(other, 1, 3)[annotator][:, level]
    np.testing.assert_array_equal(draws, level_draws(incidence, 1, 3))


def test_random_starts_are_uniform_and_differ_by_person_level_restart_and_seed():
    incidence = crowd(0, items=300, people=200, share=0.1).incidence()
    draws = level_draws(incidence, 0, 5)
    assert len(np.unique(draws)) == draws.size == 200 * 3 * 5
    for sample in (draws, annotator_draws(incidence, 0, 10), pair_draws(incidence, 0)):
        assert kstest(sample.ravel(), "uniform").pvalue > 0.01
    assert np.abs(np.corrcoef(draws.reshape(-1, 5).T) - np.eye(5)).max() < 0.15
    assert (level_draws(incidence, 1, 5) != draws).all()
    np.testing.assert_array_equal(level_draws(incidence, 0, 5), draws)


def test_fingerprints_tell_people_apart_only_by_what_they_did():
    item, annotator = np.divmod(np.arange(12), 3)
    alike = Incidence.build(item, annotator, np.array([0, 0, 1] * 4), (4, 3, 2))
    people = fingerprints(alike)[1]
    assert people[0] == people[1] != people[2]
