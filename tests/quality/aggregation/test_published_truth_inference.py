"""Table 6 of Zheng et al. 2017 where the same method on the same files gives its figures; no parameter is tuned."""

import numpy as np
import pytest
from crowds import accuracy, published

from perspectives.data.annotations import AnnotationSet
from perspectives.data.readers import hatecheck
from perspectives.quality.aggregation.catd import catd
from perspectives.quality.aggregation.dawid_skene import dawid_skene, lfc
from perspectives.quality.aggregation.glad import glad
from perspectives.quality.aggregation.incidence import Incidence
from perspectives.quality.aggregation.mace import mace
from perspectives.quality.aggregation.methods import METHODS
from perspectives.quality.aggregation.pm import pm
from perspectives.quality.aggregation.weighted import majority
from perspectives.quality.aggregation.zencrowd import zencrowd


@pytest.fixture(scope="module")
def s_rel(real_data):
    return published(real_data / "truthinf_s_rel")


@pytest.mark.parametrize(
    ("method", "share"),
    [
        (majority, 0.5411),  # published with random ties: .5419
        (lambda incidence: dawid_skene(incidence, 20, 0, diagonal=0.7), 0.6130),
        (lambda incidence: zencrowd(incidence, 20, 0), 0.4818),  # published: .4821
        (lambda incidence: lfc(incidence, 20, 0, 0, 0), 0.6164),
        (pm, 0.5904),  # published with random ties: .5902
        (catd, 0.4527),  # published with random ties and a table of the quantiles: .4532
    ],
)
def test_s_rel(s_rel, method, share):
    incidence, gold = s_rel
    assert incidence.table.sum() == 98453
    assert incidence.table.sum() - incidence.pairs.nnz == 1570
    assert (gold >= 0).sum() == 4460
    assert accuracy(method(incidence).posterior, gold) == pytest.approx(share, abs=5e-5)


def test_only_333_gold_items_of_s_adult_have_annotations(real_data):
    _, gold = published(real_data / "truthinf_s_adult")
    assert (gold >= 0).sum() == 333


@pytest.mark.parametrize("name", ["d_duck", "s_face", "s_dog"])
def test_small_sets_work_with_every_method(real_data, name):
    incidence, gold = published(real_data / f"truthinf_{name}")
    for key, method in METHODS.items():
        if key != "gold_weighted" and (key not in ("kos", "vi_bp", "multi") or incidence.levels == 2):
            share = accuracy(method(incidence).posterior, gold)
            assert share > accuracy(incidence.shares, gold) - 0.05
            assert np.isfinite(share)


def test_the_three_weak_annotators_of_hatecheck_come_out_last(real_data):
    annotations = AnnotationSet.from_tables(hatecheck.read(real_data / "hatecheck"), "HateCheck")
    incidence, names = Incidence.of(annotations), annotations.annotators["annotator_id"].to_numpy()
    competences = {
        "vb": mace(incidence).annotators["competence"],
        "em": mace(incidence, "em").annotators["competence"],
        "glad": glad(incidence).annotators["ability"],
        "zencrowd": zencrowd(incidence).annotators["right"],
    }
    for competence in competences.values():
        assert set(names[np.argsort(competence)[:3]]) == {"label_2", "label_7", "label_9"}
