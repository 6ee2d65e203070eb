"""Flip a known share of labels; who finds them, and whose voices would be thrown away with them?

5 % of the annotations of a corpus get another level at random. An annotator model (jury) and an annotator-blind one
(softlabel) are trained on the flipped labels, 5 folds by item, so that no prediction saw labels of its text; then
every method ranks all annotations by how much they look like a slip.

    python experiments/audit/slips/slips.py hs_brexit popquorn_offensiveness synthetic > tables/slips.md
"""

import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from perspectives.config import compose
from perspectives.data.annotations import AnnotationSet
from perspectives.data.load import load
from perspectives.fit import fit
from perspectives.predictions import Predictions, join
from perspectives.quality.slips import find_slips

SHARE, FOLDS, SEEDS = 0.05, 5, (0, 1, 2)
OPTIONS = {"popquorn_offensiveness": ["model.objective=ordinal", "model.structure=parallel", "model.rank=32"]}


def flipped(annotations: AnnotationSet, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    """One long table with some labels replaced by another level, and which, bool [annotation]."""
    random = np.random.default_rng(seed)
    slip = random.random(len(annotations)) < SHARE
    levels = annotations.scale.size
    label = np.where(slip, (annotations.labels + random.integers(1, levels, len(slip))) % levels, annotations.labels)
    people = annotations.annotators.rename(columns={name: f"annotator_{name}" for name in annotations.attributes})
    table = annotations.annotations[["item_id", "annotator_id"]].assign(
        label=annotations.scale.decode(label).to_numpy()
    )
    texts = annotations.items[["item_id", "text"]]
    return table.merge(texts, on="item_id").merge(people, on="annotator_id"), slip


def out_of_fold(file: Path, annotations: AnnotationSet, model: str, runs: Path, options: list[str]) -> Predictions:
    """Predictions of all pairs by models that saw none of their texts."""
    attributes = ",".join(f"{name}: annotator_{name}" for name in annotations.attributes)
    overrides = [
        "data=table", f"data.name={file.stem}", f"data.reader.path={file}",
        f"data.reader.kind={annotations.scale.kind}",
        f"data.reader.levels=[{','.join(annotations.scale.levels)}]", f"model={model}", "split=items", *options,
        "predictions.everyone=true", "trainer.progress=false", f"paths.runs={runs}",
        *([f"data.reader.attributes={{{attributes}}}"] if attributes else []),
    ]  # fmt: skip
    folds = [fit(compose(overrides=[*overrides, f"split.fold={fold}"])) for fold in range(FOLDS)]
    return join([run.predictions("test")[model] for run in folds])


def scores(people: Predictions, blind: Predictions) -> dict[str, np.ndarray]:
    """How much each annotation looks like a slip, by each method; [annotation] in the order of `people.pairs`."""
    label, item = people.observed, people.item_index
    own, anybody = people.probabilities(), _aligned(blind, people)
    everyone = people.answers().mean(1)[item].astype(float)
    rows = np.arange(len(label))
    votes = np.zeros((len(people.items), own.shape[1]))
    np.add.at(votes, (item, label), 1)
    others = votes[item, label] - 1
    found = find_slips(label, item, own, everyone)
    return {
        "slip or perspective": found.slip,
        "the same without the annotator": find_slips(label, item, everyone, everyone).slip,
        "loss of the annotator model": -np.log(own[rows, label]),
        "loss of the annotator-blind model": -np.log(anybody[rows, label]),
        "disagreement with the other raters": 1 - others / np.maximum(votes.sum(1)[item] - 1, 1),
    }


def _aligned(other: Predictions, reference: Predictions) -> np.ndarray:
    key = ["item_id", "annotator_id"]
    order = pd.MultiIndex.from_frame(other.pairs[key]).get_indexer(pd.MultiIndex.from_frame(reference.pairs[key]))
    return other.probabilities()[order]


def judged(people: Predictions, original: AnnotationSet, slip: pd.Series, ranking: np.ndarray) -> dict[str, float]:
    """What a method finds and destroys when it throws away as many annotations as were flipped."""
    changed = slip.to_numpy()
    flagged = np.zeros(len(ranking), bool)
    flagged[np.argsort(-ranking, kind="stable")[: changed.sum()]] = True
    minority = _minority(people, original) & ~changed
    kept = ~changed
    rates = [
        flagged[kept & (group == value)].mean()
        for group in _groups(people)
        for value in np.unique(group)
        if (kept & (group == value)).sum() >= 300 and value != "unknown"
    ]
    return {
        "AUROC": roc_auc_score(changed, ranking),
        "precision": changed[flagged].mean(),
        "true minority voices thrown away": flagged[minority].mean(),
        "false slips, best to worst group": max(rates) - min(rates) if rates else float("nan"),
    }


def _minority(people: Predictions, original: AnnotationSet) -> np.ndarray:
    """Annotations whose true label is not the most frequent true one of their item."""
    key = pd.MultiIndex.from_frame(original.annotations[["item_id", "annotator_id"]])
    rows = key.get_indexer(pd.MultiIndex.from_frame(people.pairs[["item_id", "annotator_id"]]))
    votes = np.zeros((len(original.items), original.scale.size))
    np.add.at(votes, (original.item_index, original.labels), 1)
    own = votes[original.item_index, original.labels]
    return (own < votes[original.item_index].max(1))[rows]


def _groups(people: Predictions) -> list[np.ndarray]:
    table = people.annotators.drop(columns="annotator_id").iloc[people.annotator_index]
    text = table.select_dtypes(exclude="number").astype("str")
    return [text[name].to_numpy() for name in text]


def experiment(corpus: str, runs: Path) -> pd.DataFrame:
    original = load(compose(overrides=[f"data={corpus}"]).data)
    rows = []
    for seed in SEEDS:
        table, slip = flipped(original, seed)
        file = runs / f"{corpus}_{seed}.parquet"
        table.to_parquet(file)
        jury = ["model.groups=per_attribute", *OPTIONS.get(corpus, [])]
        people = out_of_fold(file, original, "jury", runs, jury)
        blind = out_of_fold(file, original, "softlabel", runs, [])
        key = pd.MultiIndex.from_frame(original.annotations[["item_id", "annotator_id"]])
        changed = pd.Series(slip, index=key).reindex(
            pd.MultiIndex.from_frame(people.pairs[["item_id", "annotator_id"]])
        )
        for method, ranking in scores(people, blind).items():
            rows.append(
                {"corpus": corpus, "seed": seed, "method": method, **judged(people, original, changed, ranking)}
            )
    return pd.DataFrame(rows)


def main(corpora: list[str]) -> None:
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        found = pd.concat([experiment(corpus, Path(folder)) for corpus in corpora])
    measures = list(found.columns[3:])
    print(f"| corpus | method | {' | '.join(measures)} |\n|---|---|{'---:|' * len(measures)}")
    for (corpus, method), part in found.groupby(["corpus", "method"], sort=False):
        cells = [f"{part[name].mean():.3f} ± {part[name].std():.3f}" for name in measures]
        print(f"| {corpus} | {method} | {' | '.join(cells).replace('nan ± nan', '–')} |")


if __name__ == "__main__":
    main(sys.argv[1:])
