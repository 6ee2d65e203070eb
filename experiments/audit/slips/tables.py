"""The tables of README.md, from what was measured."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from planted import TRUTHS

from perspectives.quality.slips import KINDS, Slips

FALSE = "false slips of "  # … a group
TEXT = ("corpus", "method", "group", "labels", "truly", "probability")  # columns, the first ones, that hold no numbers


def ranking(measured, main: str) -> str:
    measures = ["AUROC", "average precision", "found at precision 0.5"]
    head = ["corpus", "method", "AUROC", "sd", f"behind {main}", "average precision", "sd", measures[2], "sd"]
    rows = []
    for corpus, method in _methods(measured):
        one = [measured[corpus, method, measure] for measure in measures]
        behind = np.subtract(measured[corpus, main, "AUROC"], one[0])
        gap = "–" if method == main else interval(behind)
        rows.append([corpus, method, interval(one[0]), sd(one[0]), gap, *cells(one[1:])])
    return table(head, rows)


def harm(measured) -> str:
    names = {
        "precision": "precision",
        "voices": "true minority voices thrown away",
        "gap": "false slips, worst − best group",
    }
    head = ["corpus", "method", *(column for name in names.values() for column in (name, "sd"))]
    rows = [[*key, *cells([measured[*key, name] for name in names])] for key in _methods(measured)]
    return table(head, rows)


def groups(measured, methods: list[str]) -> str:
    """Unflipped annotations suspected, a row per group."""
    keys = {(corpus, name): None for corpus, _, name in measured if name.startswith(FALSE)}
    rows = [
        [corpus, name.removeprefix(FALSE), *(interval(measured[corpus, method, name]) for method in methods)]
        for corpus, name in keys
    ]
    return table(["corpus", "group", *methods], rows)


def planted(measured) -> str:
    auroc = {
        "slip, perspective": "AUROC slip over perspective",
        "slip, agreed": "slip over agreed",
        "careless, agreed": "careless over agreed",
    }
    head = ["method", *auroc.values(), *(f"{kind} suspected" for kind in TRUTHS)]
    rows = [
        [method, *(interval(measured[corpus, method, name]) for name in auroc),
         *(interval(measured[corpus, method, f"suspected: {kind}"]) for kind in TRUTHS)]
        for corpus, method in _methods(measured) if corpus == "synthetic"
    ]  # fmt: skip
    return table(head, rows)


def called(counts: np.ndarray) -> str:
    """counts: [truth, kind], mean over seeds."""
    shares = counts / counts.sum(1, keepdims=True)
    head = ["truly", "annotations", *(f"called {kind}" for kind in KINDS)]
    rows = [[truth, f"{counts[place].sum():,.0f}", *map(number, shares[place])] for place, truth in enumerate(TRUTHS)]
    return table(head, rows)


def calibration(measured, methods: list[str]) -> str:
    corpora = list(dict.fromkeys(corpus for corpus, _, _ in measured))
    head = ["probability", *(column for corpus in corpora for column in (corpus, "sd"))]
    rows = [
        [method, *cells([measured[corpus, method, "calibration error"] for corpus in corpora])] for method in methods
    ]
    return table(head, rows)


def reliability(told: list[tuple[str, np.ndarray, np.ndarray]], edges: np.ndarray) -> str:
    """told: corpus, P(slip) and which were flipped, [annotation], of every seed."""
    corpora = list(dict.fromkeys(corpus for corpus, _, _ in told))
    head = ["P(slip)", *(f"{corpus}: {column}" for corpus in corpora for column in ("n", "predicted", "flipped"))]
    rows = []
    for low, high in pairwise(edges):
        row = [f"{low:g} to {high:g}"]
        for corpus in corpora:
            chance, flipped = (np.concatenate([one[place] for one in told if one[0] == corpus]) for place in (1, 2))
            inside = (chance >= low) & ((chance < high) | (high == edges[-1]))
            means = [number(values[inside].mean()) if inside.any() else "–" for values in (chance, flipped)]
            row += [f"{inside.sum():,}", *means]
        rows.append(row)
    return table(head, rows)


class Rate(NamedTuple):
    """The slips of one seed. flipped: bool [annotation], None where nothing was. rate: estimated or given."""

    corpus: str
    method: str
    flipped: np.ndarray | None
    rate: str
    slips: Slips


def rates(found: list[Rate], again: dict[tuple[str, bool], np.ndarray]) -> str:
    """again: rates of the first method fitted to draws of items, by corpus and whether labels were flipped, [draw]."""
    head = ["corpus", "labels", "method", "rate", "95 %", "called slips", "of these flipped", "flips found"]
    keys = [(one.corpus, one.flipped is not None, one.method, one.rate) for one in found]
    rows = []
    for key in dict.fromkeys(keys):
        part = [one for one, its in zip(found, keys, strict=True) if its == key]
        called = [one.slips.kind == "slip" for one in part]
        first = key[2:] == (found[0].method, "estimated")
        limits = " to ".join(map(number, np.quantile(again[key[:2]], [0.025, 0.975]))) if first else "–"
        right = ["–", "–"]
        if key[1]:
            hits = sum((call & one.flipped).sum() for call, one in zip(called, part, strict=True))
            right = [number(hits / max(np.sum(called), 1)), number(hits / sum(one.flipped.sum() for one in part))]
        rate = f"{key[3]} {number(np.mean([one.slips.rate for one in part]))}"
        labels = "5 % flipped" if key[1] else "as published"
        rows.append([key[0], labels, key[2], rate, limits, f"{np.mean([call.sum() for call in called]):,.0f}", *right])
    return table(head, rows)


def _methods(measured) -> list[tuple[str, str]]:
    return list(dict.fromkeys((corpus, method) for corpus, method, _ in measured))


def cells(measures: list) -> list[str]:
    return [cell for seeds in measures for cell in (interval(seeds), sd(seeds))]


def interval(seeds) -> str:
    """Mean over seeds with its bootstrap interval; seeds: of [draw], the first of which is the corpus itself."""
    mean = np.mean(seeds, axis=0)
    low, high = np.quantile(mean[1:], [0.025, 0.975])
    return f"{number(mean[0])} [{number(low)}, {number(high)}]"


def sd(seeds) -> str:
    return number(np.std([one[0] for one in seeds], ddof=1))


def number(value: float) -> str:
    return f"{value:.3f}".replace("0.", ".").replace("-.000", ".000").replace("-", "−")


def table(head: list[str], rows: list[list[str]]) -> str:
    text = sum(name in TEXT for name in head)
    lines = [head, ["---"] * text + ["---:"] * (len(head) - text), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)
