"""Flip a known share of a corpus' training labels and see which detector ranks the flipped ones first.

    python experiments/audit/noise/flips.py hs_brexit FOLDER > table.md   # FOLDER keeps finished runs

AUROC of every detector, mean over seeds, with 95 % bootstrap intervals over items (the same drawn items in all seeds);
each seed flips other labels. Labels that were wrong to begin with count as not flipped.
"""

import sys
import warnings
from collections import defaultdict
from pathlib import Path

import numpy as np
from omegaconf import DictConfig
from sklearn.metrics import roc_auc_score

from perspectives.config import compose, instantiate
from perspectives.data.annotations import AnnotationSet
from perspectives.data.load import load
from perspectives.quality.confident_learning import confident_learning, crowdlab
from perspectives.quality.dynamics import FOLDER, Dynamics
from perspectives.quality.flips import flip_labels, noise_probability
from perspectives.quality.influence.table import influence_of_run
from perspectives.quality.noise import Selection, fit_on, incv, margins, ncv

SHARE, SEEDS, DRAWS, ITERATIONS = 0.1, (0, 1, 2), 200, 3
MODELS = ("softlabel", "multitask_shared")


def main(data: str, folder: Path) -> None:
    scores: dict[tuple[str, str], list[np.ndarray]] = defaultdict(list)
    taken: dict[tuple[str, str], list[tuple[float, float, float]]] = defaultdict(list)
    truth = []
    for seed in SEEDS:
        config = compose(overrides=[f"data={data}", "trainer.progress=false", f"seed={seed}"])
        corpus = load(config.data)
        rows = instantiate(config.split, annotations=corpus).rows("train")
        noisy, flipped = flip_labels(corpus, rows, SHARE, seed)
        truth.append(flipped)
        train = noisy.select(rows)
        for model in MODELS:
            config = compose(overrides=[f"data={data}", f"model={model}", "trainer.progress=false", f"seed={seed}"])
            found, flagged = detectors(config, noisy, train, flipped, folder / data, seed)
            for name, score in found.items():
                scores[name, model].append(score)
            for name, suspect in flagged.items():
                hits = (suspect & flipped).sum()
                taken[name, model].append((suspect.mean(), hits / max(suspect.sum(), 1), hits / flipped.sum()))
    print(f"{len(rows):,} training annotations of {data}, {SHARE:.0%} flipped, seeds {', '.join(map(str, SEEDS))}.\n")
    report(scores, truth, train.item_index)
    head = " | ".join(f"{model}: share | precision | recall" for model in MODELS)
    print(f"\n| taken for wrong ({SHARE:.0%} are) | {head} |")
    print("|---|" + "---:|" * 3 * len(MODELS))
    for name in dict.fromkeys(name for name, _ in taken):
        cells = [f"{value:.3f}".replace("0.", ".") for model in MODELS for value in np.mean(taken[name, model], 0)]
        print(f"| {name} | " + " | ".join(cells) + " |")


def detectors(
    config: DictConfig, noisy: AnnotationSet, train: AnnotationSet, flipped: np.ndarray, folder: Path, seed: int
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Suspicion of each training annotation, float [annotation], and who takes which for wrong, bool [annotation]."""
    run = fit_on(config, noisy, folder, dynamics=True)
    seen = Dynamics.load(run.folder / FOLDER).measures()
    three = seen[["confidence", "variability", "aum"]].to_numpy()
    kept = influence_of_run(run)
    once = ncv(config, train, folder, seed)
    again = incv(config, train, folder, ITERATIONS, seed=seed)
    by_margin = margins(config, noisy, folder, seed=seed)
    chance = held_out(once, train)
    suspect, quality = confident_learning(train.labels, chance)
    by_item = np.stack([np.bincount(train.item_index, column) for column in chance.T], 1)
    by_item /= by_item.sum(1, keepdims=True)
    scores = {
        "rare label (share in train)": -train.indicator().mean(0)[train.labels],
        "other raters who disagree": other_raters(train),
        "loss, last epoch": seen["loss"].to_numpy(),
        "loss, weights kept": kept["loss"].to_numpy(),
        "self-influence, weights kept": kept["self_influence"].to_numpy(),
        "confidence": -seen["confidence"].to_numpy(),
        "variability": seen["variability"].to_numpy(),
        "AUM": -seen["aum"].to_numpy(),
        "forgetting events": ranked(seen["forgetting"].to_numpy()),
        "noise classifier: confidence": noise_probability(three[:, :1], flipped, seed),
        "noise classifier: confidence, variability, AUM": noise_probability(three, flipped, seed),
        "AUM with threshold samples": -by_margin.aum,
        "NCV, held-out loss": once.surprise,
        f"INCV, {ITERATIONS} iterations": again.suspicion(),
        "confident learning (cleanlab) on NCV": -quality,
        "CROWDLAB (cleanlab) on NCV": -crowdlab(train, by_item),
    }
    flagged = {
        "AUM at or below the threshold": by_margin.suspect,
        "NCV: not selected": once.status != "selected",
        "INCV: removed": again.status == "removed",
        "INCV: not selected": again.status != "selected",
        "confident learning (cleanlab)": suspect,
    }
    return scores, flagged


def held_out(selection: Selection, train: AnnotationSet) -> np.ndarray:
    """Held-out probabilities of two levels, [annotation, level], from that of the label."""
    own = np.exp(-selection.surprise)
    return np.where(np.eye(2, dtype=bool)[train.labels], own[:, None], 1 - own[:, None])


def other_raters(train: AnnotationSet) -> np.ndarray:
    """Share of the item's other annotations with another label; 1/2 where there is none."""
    count = np.zeros((len(train.items), train.scale.size))
    np.add.at(count, (train.item_index, train.labels), 1)
    others = count[train.item_index].sum(1) - 1
    same = count[train.item_index, train.labels] - 1
    return np.divide(others - same, others, out=np.full(len(train), 0.5), where=others > 0)


def ranked(values: np.ndarray) -> np.ndarray:
    """Ranks, because infinity is one of the values."""
    return np.unique(values, return_inverse=True)[1].astype(float)


def report(scores: dict[tuple[str, str], list[np.ndarray]], truth: list[np.ndarray], item: np.ndarray) -> None:
    random = np.random.default_rng(0)
    draws = [drawn(item, random) for _ in range(DRAWS)]
    print("| AUROC of flipped labels | " + " | ".join(f"{model} | sd over seeds" for model in MODELS) + " |")
    print("|---|" + "---:|" * 2 * len(MODELS))
    for name in dict.fromkeys(name for name, _ in scores):
        cells = []
        for model in MODELS:
            by_seed = [roc_auc_score(*pair) for pair in zip(truth, scores[name, model], strict=True)]
            again = [
                np.mean([roc_auc_score(t[rows], s[rows]) for t, s in zip(truth, scores[name, model], strict=True)])
                for rows in draws
            ]
            low, high = np.quantile(again, [0.025, 0.975])
            cells += [f"{np.mean(by_seed):.3f} [{low:.3f}, {high:.3f}]", f"{np.std(by_seed, ddof=1):.3f}"]
        print(f"| {name} | " + " | ".join(cells).replace("0.", ".") + " |")


def drawn(item: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Rows of items drawn with replacement, all annotations of each."""
    order = np.argsort(item, kind="stable")
    starts = np.searchsorted(item[order], np.arange(item.max() + 2))
    chosen = random.integers(0, item.max() + 1, item.max() + 1)
    return np.concatenate([order[starts[i] : starts[i + 1]] for i in chosen])


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(sys.argv[1], Path(sys.argv[2]))
