"""Flip a known share of labels; who finds them, and whose voices would be thrown away with them?

    python experiments/audit/slips/slips.py FOLDER synthetic hs_brexit popquorn_offensiveness

FOLDER keeps finished trainings. Writes the tables of README.md. Intervals are 95 % over items, the same draws for all
methods and seeds; each seed flips other labels and trains anew. Labels that were wrong to begin with count as right.
"""

import sys
import warnings
from collections import defaultdict
from pathlib import Path

import numpy as np
import tables
from measures import Ranking, calibration_error, draws
from methods import ANYBODY, BLIND_LOSS, GROUP, MACE, MAIN, memberships, slips, suspicion
from planted import TRUTHS, called, truths
from trainings import SHARE, Trained, trained

from perspectives.metrics.groups import SMALLEST_GROUP
from perspectives.metrics.intervals import FEW_ANNOTATORS
from perspectives.quality.slips import KINDS, Slips, find_slips

SEEDS = (0, 1, 2)
PRECISION = 0.5
FEWEST = 300  # annotations of a group whose false slips are counted
EDGES = np.array([0, 0.01, 0.03, 0.1, 0.3, 0.5, 1])  # of the probability of a slip
REFITS = 40  # bootstrap draws of the rate, each fitted anew

Found = dict[tuple[str, str, str], list[np.ndarray]]  # corpus, method, measure → seeds → [draw]


def main(folder: Path, corpora: list[str]) -> None:
    measured: Found = defaultdict(list)
    told, rates, confusion = [], [], np.zeros((len(TRUTHS), len(KINDS)))
    for corpus in corpora:
        for seed in SEEDS:
            one = trained(corpus, seed, folder)
            found = slips(one)
            truth = truths(one) if corpus == "synthetic" else None
            measure(measured, corpus, one, found, truth)
            told.append((corpus, found[MAIN].slip, one.flipped))
            rates += fitted(corpus, one, found)
            confusion += 0 if truth is None else called(truth, found[MAIN]) / len(SEEDS)
            print(corpus, seed, {name: slip.rate for name, slip in found.items()}, file=sys.stderr, flush=True)
        published = trained(corpus, 0, folder, share=0.0)
        rates += fitted(corpus, published, slips(published))
    made = {
        "ranking": tables.ranking(measured, MAIN),
        "harm": tables.harm(measured),
        "groups": tables.groups(measured, [MAIN, ANYBODY, BLIND_LOSS, MACE]),
        "planted": tables.planted(measured),
        "called": tables.called(confusion),
        "calibration": tables.calibration(measured, [MAIN, GROUP, ANYBODY, MACE]),
        "reliability": tables.reliability(told, EDGES),
        "rates": tables.rates(rates, refitted(folder, corpora)),
    }
    for name, table in made.items():
        (Path(__file__).parent / "tables" / f"{name}.md").write_text(table, encoding="utf-8")


def measure(measured: Found, corpus: str, one: Trained, found: dict[str, Slips], truth: np.ndarray | None) -> None:
    """All measures of all methods for one seed. truth: of the synthetic population, str [annotation]."""
    weights = draws(one.people.item_index)
    for method, score in suspicion(one, found).items():
        for name, values in judged(one, score, weights, truth).items():
            measured[corpus, method, name].append(values)
        if method in found or method == MACE:
            chance = found[method].slip if method in found else score
            error = calibration_error(chance, one.flipped, weights, EDGES)
            measured[corpus, method, "calibration error"].append(error)


def fitted(corpus: str, one: Trained, found: dict[str, Slips]) -> list[tables.Rate]:
    """What each way of asking estimates, and what is called a slip when the share of flips is given."""
    given = slips(one, SHARE)[MAIN]
    flipped = one.flipped if one.flipped.any() else None
    rows = [tables.Rate(corpus, method, flipped, "estimated", slip) for method, slip in found.items()]
    return [*rows, tables.Rate(corpus, MAIN, flipped, "given", given)]


def judged(one: Trained, suspicion: np.ndarray, weights: np.ndarray, truth: np.ndarray | None) -> dict[str, np.ndarray]:
    """All measures of one method, each [draw]. truth: of the synthetic population, str [annotation]."""
    ranking, kept = Ranking.of(suspicion, weights), ~one.flipped
    flagged = ranking.suspects(one.flipped)
    by_group = {name: ranking.share(flagged, kept & rows) for name, rows in groups(one).items()}
    false = np.stack(list(by_group.values()))
    found = {
        "AUROC": ranking.auroc(one.flipped, kept),
        "average precision": ranking.average_precision(one.flipped),
        f"found at precision {PRECISION}": ranking.found_at(one.flipped, PRECISION),
        "precision": ranking.share(flagged, one.flipped),
        "voices": ranking.share(flagged, minority(one) & kept),
        "gap": false.max(0) - false.min(0),
        **{tables.FALSE + name: shares for name, shares in by_group.items()},
    }
    if truth is not None:
        for kind in ("perspective", "agreed"):
            found[f"slip, {kind}"] = ranking.auroc(truth == "slip", truth == kind)
        found["careless, agreed"] = ranking.auroc(truth == "careless", truth == "agreed")
        found |= {f"suspected: {kind}": ranking.share(flagged, truth == kind) for kind in TRUTHS}
    return found


def minority(one: Trained) -> np.ndarray:
    """Annotations whose label, before flips, is not the most frequent one of their item, bool [annotation]."""
    item = one.people.item_index
    votes = np.zeros((item.max() + 1, one.blind.shape[1]))
    np.add.at(votes, (item, one.before), 1)
    return votes[item, one.before] < votes[item].max(1)


def groups(one: Trained) -> dict[str, np.ndarray]:
    """The annotations of each group that is large enough, bool [annotation]; of few annotators, those of each."""
    who, count = one.people.annotator_index, len(one.people.annotators)
    if count < FEW_ANNOTATORS:
        parts = {f"annotator {person + 1}": np.arange(count) == person for person in range(count)}
    else:
        named = {(attribute, name): of.code == code for attribute, of in memberships(one).items()
                 for code, name in enumerate(of.names)}  # fmt: skip
        parts = {f"{attribute}: {name}": part for (attribute, name), part in named.items()
                 if part.sum() >= SMALLEST_GROUP}  # fmt: skip
    return {name: part[who] for name, part in parts.items() if part[who].sum() >= FEWEST}


def refitted(folder: Path, corpora: list[str]) -> dict[tuple[str, bool], np.ndarray]:
    """The fitted rate of seed 0 in bootstrap draws of items, with flips and without, [draw]."""
    return {
        (corpus, share > 0): np.array(rates_again(trained(corpus, 0, folder, share)))
        for corpus in corpora
        for share in (SHARE, 0.0)
    }


def rates_again(one: Trained) -> list[float]:
    item, own = one.people.item_index, one.people.probabilities()
    anybody = np.asarray(one.people.answers().mean(1), np.float64)[item]
    order = np.argsort(item, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(item[order])) + 1)
    random, found = np.random.default_rng(0), []
    for _ in range(REFITS):
        chosen = [parts[place] for place in random.integers(0, len(parts), len(parts))]
        rows, new = np.concatenate(chosen), np.repeat(np.arange(len(parts)), [len(part) for part in chosen])
        found.append(find_slips(one.label[rows], new, own[rows], anybody[rows]).rate)
    return found


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(Path(sys.argv[1]), sys.argv[2:])
