"""What tests of juries share: invented predictions of every kind of label, and a run folder that holds them."""

from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from perspectives.data.scale import Scale
from perspectives.files import write_json
from perspectives.juries.eligibility import ItemBlock
from perspectives.predictions import Predictions

SCALES = {
    "binary": Scale("nominal", ("calm", "rude")),
    "ordinal": Scale.integers(1, 4),
    "interval": Scale("interval", low=0, high=1),
    "multilabel": Scale("multilabel", ("a", "b", "c")),
}


def predictions(
    kind: str = "binary", items: int = 20, people: int = 30, seed: int = 0, raters: int = 5, blind: bool = False
) -> Predictions:
    """Answers that differ by person, gender and item, and labels drawn from them. Ids say `worker-…`."""
    rng, scale = np.random.default_rng(seed), SCALES[kind]
    annotators = pd.DataFrame({
        "annotator_id": [f"worker-{n:03d}" for n in range(people)],
        "gender": np.resize(["Woman", "Man", "Woman", "Man", "unknown", "Woman", "Man", "Other"], people),
        "age": np.resize([19.0, 25.0, 33.0, 47.0, 71.0, np.nan], people),
    })  # fmt: skip
    leaning = rng.normal(size=(items, 1)) + rng.normal(size=people) + 2 * (annotators["gender"] == "Man").to_numpy()
    if kind == "interval":
        everyone = (1 / (1 + np.exp(-leaning)))[..., None]
    elif kind == "multilabel":
        everyone = 1 / (1 + np.exp(-leaning[..., None] - rng.normal(size=scale.size)))
    else:
        logits = -((leaning[..., None] - np.linspace(-2, 2, scale.size)) ** 2) / 2
        everyone = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    item = np.repeat(np.arange(items), raters)
    who = np.concatenate([rng.choice(people, raters, replace=False) for _ in range(items)])
    said = everyone[item, who]
    if kind == "interval":
        codes = np.round(said[:, 0] * rng.random(len(said)), 2)
    elif kind == "multilabel":
        codes = rng.random(said.shape) < said
    else:
        codes = (said.cumsum(-1)[:, :-1] < rng.random((len(said), 1))).sum(-1)
    table = pd.DataFrame({
        "item_id": [f"i{n}" for n in range(items)],
        "text": [f"remark {n} on tea" for n in range(items)],
        "language": np.resize(["it", "fr"], items),
    })  # fmt: skip
    pairs = pd.DataFrame({
        "item_id": table["item_id"].to_numpy()[item],
        "annotator_id": annotators["annotator_id"].to_numpy()[who],
        "label": scale.decode(codes),
        "training_labels": 1 + who % 3,
    })  # fmt: skip
    answers = everyone.astype(np.float32)
    answers = answers.mean(1, keepdims=True) if blind else answers
    values = np.broadcast_to(answers, everyone.shape)[item, who]
    return Predictions(scale, pairs, values, table, annotators, answers, {"method": "jury"})


def everything(found: Predictions) -> list[ItemBlock]:
    """All items, judged by everyone."""
    return [ItemBlock("", np.arange(len(found.items)), np.ones(len(found.annotators), bool))]


def written(folder: Path, found: Predictions, name: str = "jury", seed: int = 0, fold: int = 0, **changed) -> Path:
    """A finished run folder with these predictions, and as little else as is read of it."""
    config = {
        "seed": seed,
        "split": {"_target_": "perspectives.data.splits.items", "folds": 2, "fold": fold},
        "data": {"name": "invented", "reader": {"path": str(folder)}},
        "model": {"name": name},
        "paths": {"runs": str(folder)},
    }
    run = folder / f"{name}-f{fold}-s{seed}"
    found.save(run / "predictions" / name / "test")
    (run / "config.yaml").write_text(yaml.safe_dump(config | changed))
    write_json(run / "provenance.json", {"data": {"checksum": "00", "notes": []}, "results_version": 1})
    write_json(run / "metrics.json", {})
    return run
