"""Who is careless in HateCheck, by every method that judges people, against their accuracy on gold, in Markdown.

PERSPECTIVES_DATA=… python experiments/audit/aggregation/careless.py > experiments/audit/aggregation/tables/hatecheck.md
"""

import os
from pathlib import Path

import numpy as np

from perspectives.quality.aggregation.dawid_skene import dawid_skene
from perspectives.quality.aggregation.glad import glad
from perspectives.quality.aggregation.mace import mace
from perspectives.quality.aggregation.pm import pm
from perspectives.quality.aggregation.weighted import leave_one_out
from perspectives.quality.aggregation.zencrowd import zencrowd
from perspectives.reproduction.measures.gold_sets import of_hatecheck


def main() -> None:
    (incidence, gold), columns = of_hatecheck(Path(os.environ["PERSPECTIVES_DATA"]) / "hatecheck")
    right = incidence.label == gold[incidence.item]
    size = incidence.annotators
    share = np.bincount(incidence.annotator, right, size) / np.bincount(incidence.annotator, minlength=size)
    confusion = dawid_skene(incidence).annotators["confusion"]
    found = {
        "accuracy against gold": share,
        "MACE, vb": mace(incidence).annotators["competence"],
        "MACE, em": mace(incidence, "em").annotators["competence"],
        "Dawid-Skene, mean of the diagonal": confusion.diagonal(axis1=1, axis2=2).mean(1),
        "ZenCrowd": zencrowd(incidence).annotators["right"],
        "GLAD": glad(incidence).annotators["ability"],
        "PM": pm(incidence).annotators["weight"],
        "leave one out": leave_one_out(incidence).annotators["agreement"],
    }
    order = np.argsort(share)
    print("| HateCheck, annotator | " + " | ".join(columns[a] for a in order) + " |")
    print("| --- |" + " ---: |" * len(order))
    for name, value in found.items():
        print(f"| {name} | " + " | ".join(f"{value[a]:.3f}" for a in order) + " |")


if __name__ == "__main__":
    main()
