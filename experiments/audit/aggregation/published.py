"""Published figures of truth inference beside ours, and every method on every set with gold, as Markdown tables.

PERSPECTIVES_DATA=… python experiments/audit/aggregation/published.py
"""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from sets import Gold, accuracy, of_hatecheck, snow, toolkit, zheng

from perspectives.files import write_text
from perspectives.quality.aggregation import numeric
from perspectives.quality.aggregation.bayesian import bcc
from perspectives.quality.aggregation.catd import catd
from perspectives.quality.aggregation.cbcc import cbcc
from perspectives.quality.aggregation.dawid_skene import dawid_skene, lfc
from perspectives.quality.aggregation.glad import glad
from perspectives.quality.aggregation.mace import mace
from perspectives.quality.aggregation.methods import METHODS
from perspectives.quality.aggregation.minimax import minimax
from perspectives.quality.aggregation.pm import pm
from perspectives.quality.aggregation.weighted import majority
from perspectives.quality.aggregation.zencrowd import zencrowd

DATA = Path(os.environ["PERSPECTIVES_DATA"])
TABLES = Path(__file__).parent / "tables"

LAST = "the last label of a repeated pair"
S_REL: list[tuple[str, float, Callable]] = [
    ("majority vote", 54.19, majority),
    ("ZenCrowd, 20 iterations", 48.21, lambda x: zencrowd(x, 20, 0)),
    ("ZenCrowd, converged", 48.21, zencrowd),
    ("Dawid-Skene, 20 iterations from a diagonal of .7", 61.30, lambda x: dawid_skene(x, 20, 0, diagonal=0.7)),
    ("Dawid-Skene, converged, from votes", 61.30, lambda x: dawid_skene(x, 1000)),
    ("LFC, without pseudo-counts, 20 iterations", 61.64, lambda x: lfc(x, 20, 0, 0, 0)),
    ("LFC, a pseudo-count of 1", 61.64, lfc),
    ("PM", 59.02, pm),
    ("CATD", 45.32, catd),
    ("GLAD, 20 iterations", 53.59, lambda x: glad(x, 20, 0)),
    ("GLAD, 100 iterations", 53.59, glad),
    ("GLAD, without priors, 20 iterations", 53.59, lambda x: glad(x, 20, 0, precision=0)),
    ("minimax", 57.59, minimax),
    (f"minimax, {LAST}", 57.59, minimax),
    ("BCC, 40 iterations", 60.72, lambda x: bcc(x, 40, 0)),
    ("BCC, 100 iterations", 60.72, bcc),
    ("CBCC, 40 iterations", 56.05, lambda x: cbcc(x, iterations=40, tolerance=0)),
    ("CBCC, 100 iterations", 56.05, cbcc),
]
BINARY = ("kos", "vi_bp", "multi")
SNOW = {
    ("rte", "vb"): (0.92625, -3923.88),
    ("rte", "em"): (0.92875, -3681.43),
    ("temporal", "vb"): (0.94156, -1379.41),
    ("temporal", "em"): (0.94156, -1259.29),
    ("wsd", "vb"): (0.99435, -308.361),
    ("wsd", "em"): (0.99435, -271.847),
}
N_EMOTION = {"mean": (12.02, 17.84), "median": (13.53, 21.26), "lfc_n": (12.20, 18.97)}


def table(name: str, header: list[str], rows: list[list[str]]) -> None:
    """Written to tables/NAME.md; every column but the first is aligned to the right."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    write_text(TABLES / f"{name}.md", "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n")


def s_rel() -> None:
    every, last = (zheng(DATA / "truthinf_s_rel", last) for last in (False, True))
    rows = []
    for name, published, method in S_REL:
        incidence, gold = last if name.endswith(LAST) else every
        found = method(incidence)
        steps = f"{len(found.objective)}{'' if found.converged else ', cut'}" if len(found.objective) else "–"
        rows.append([name, f"{published:.2f}", f"{100 * accuracy(found.posterior, gold):.2f}", steps])
    table("s_rel", ["S_Rel, accuracy in %", "published", "ours", "iterations"], rows)


def snow_et_al() -> None:
    rows = []
    for (name, inference), (share, value) in SNOW.items():
        incidence, gold = snow(DATA / "mace" / "test", name)
        found = mace(incidence, inference)
        ours = [f"{accuracy(found.posterior, gold):.5f}", f"{found.log_likelihood[-1]:.2f}"]
        rows.append([f"{name}, {inference}", f"{share:.5f}", ours[0], f"{value:.2f}", ours[1]])
    header = ["MACE", "accuracy: authors' program", "ours", "log-likelihood: authors' program", "ours"]
    table("mace", header, rows)


def n_emotion() -> None:
    folder = DATA / "truthinf_n_emotion"
    answers = pd.read_csv(folder / "answer.csv", dtype={"question": str, "worker": str})
    gold = pd.read_csv(folder / "truth.csv", dtype={"question": str}).set_index("question")["truth"]
    item, items = pd.factorize(answers["question"])
    annotator, people = pd.factorize(answers["worker"])
    rating = answers["answer"].to_numpy(float)
    found = {
        "mean": numeric.mean(item, rating, len(items)),
        "median": numeric.median(item, rating, len(items)),
        "lfc_n": numeric.lfc_n(item, annotator, rating, (len(items), len(people))),
    }
    rows = []
    for name, published in N_EMOTION.items():
        error = found[name].ratings - gold[items].to_numpy()
        ours = (np.abs(error).mean(), np.sqrt((error**2).mean()))
        rows.append([name, *(f"{x:.2f}" for pair in zip(published, ours, strict=True) for x in pair)])
    table("n_emotion", ["N_Emotion", "MAE: published", "ours", "RMSE: published", "ours"], rows)


def sets() -> dict[str, Gold]:
    found = {
        name: zheng(DATA / f"truthinf_{name.lower()}") for name in ("D_Duck", "S_Face", "S_Dog", "S_Rel", "S_Adult")
    }
    found |= {name: snow(DATA / "mace" / "test", name) for name in ("rte", "temporal", "wsd")}
    found["example"] = snow(DATA / "mace" / "examples", "example")
    names = ("CF", "CF_amt", "MS", "SP", "SP_amt", "ZenCrowd_all")
    found |= {name: toolkit(DATA / "active_crowd_toolkit" / f"{name}.csv") for name in names}
    return found | {"HateCheck": of_hatecheck(DATA / "hatecheck")[0]}


def everything() -> None:
    rows = []
    for name, (incidence, gold) in sets().items():
        scored = ((gold >= 0) & incidence.labelled).sum()
        shares = {
            key: accuracy(method(incidence).posterior, gold)
            for key, method in METHODS.items()
            if key not in BINARY or incidence.levels == 2
        }
        best = max(shares.values())
        cells = [f"{shares[x]:.3f}" if x in shares else "–" for x in METHODS]
        cells = [f"**{cell}**" if shares.get(x) == best else cell for x, cell in zip(METHODS, cells, strict=True)]
        rows.append([name, f"{scored:,}", str(incidence.levels), *cells])
    table("accuracy", ["accuracy", "gold items", "levels", *METHODS], rows)


def three_weak_annotators() -> None:
    (incidence, gold), columns = of_hatecheck(DATA / "hatecheck")
    right = incidence.label == gold[incidence.item]
    size = incidence.annotators
    share = np.bincount(incidence.annotator, right, size) / np.bincount(incidence.annotator, minlength=size)
    confusion = dawid_skene(incidence).annotators["confusion"]
    found = {
        "MACE, vb": mace(incidence).annotators["competence"],
        "MACE, em": mace(incidence, "em").annotators["competence"],
        "Dawid-Skene, mean of the diagonal": confusion.diagonal(axis1=1, axis2=2).mean(1),
        "ZenCrowd": zencrowd(incidence).annotators["right"],
        "GLAD": glad(incidence).annotators["ability"],
        "PM": pm(incidence).annotators["weight"],
        "leave one out": METHODS["leave_one_out"](incidence).annotators["agreement"],
    }
    order = np.argsort(share)
    rows = [["accuracy against gold", *(f"{share[a]:.3f}" for a in order)]]
    rows += [[name, *(f"{value[a]:.3f}" for a in order)] for name, value in found.items()]
    table("hatecheck", ["HateCheck, annotator", *(columns[a] for a in order)], rows)


if __name__ == "__main__":
    s_rel()
    snow_et_al()
    n_emotion()
    three_weak_annotators()
    everything()
