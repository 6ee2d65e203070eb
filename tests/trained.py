"""What the tests of trained models share: quick runs on corpora of every scale."""

from pathlib import Path

import numpy as np
import pandas as pd
from running import TINY, train

from perspectives.runs.run import Run

WORDS = ("tea", "soup", "rain", "music", "bread", "winter", "garden", "river")
LEARNING = ("trainer.max_epochs=2", "optim.lr=0.05", "optim.annotator_lr=0.05", "optim.encoder_lr=0.01")
SCALES = {
    "nominal": ["data.reader.levels=[no,perhaps,yes]"],
    "interval": ["data.reader.kind=interval", "data.reader.low=0", "data.reader.high=100"],
    "multilabel": ["data.reader.kind=multilabel", "data.reader.separator=|", "data.reader.levels=[a,b,c]"],
}
GENDERS = ["Woman"] * 6 + ["Man"] * 5 + ["Other"] * 2 + [""]


def corpus(folder: Path, kind: str, items: int = 30) -> list[str]:
    """Options that read a corpus written into `folder`: 14 people, called person 0 to 13, who label every text."""
    rng = np.random.default_rng(0)
    labels = {
        "nominal": lambda: rng.choice(["no", "perhaps", "yes"], p=[0.6, 0.3, 0.1]),
        "interval": lambda: rng.integers(101),
        "multilabel": lambda: "|".join(level for level in "abc" if rng.random() < 0.4),
    }
    texts = [" ".join(rng.choice(WORDS, rng.integers(2, 9))) + f" {number}" for number in range(items)]
    rows = [
        {"item_id": f"i{item}", "annotator_id": f"person {who}", "text": text, "reply": text[::-1]} | {"gender": gender}
        for item, text in enumerate(texts)
        for who, gender in enumerate(GENDERS)
    ]
    folder.mkdir(exist_ok=True)
    table = pd.DataFrame(rows)
    table["label"] = [labels[kind]() for _ in rows]
    table.to_csv(folder / "corpus.csv", index=False)
    about = [f"data.reader.path={folder / 'corpus.csv'}", "data.reader.attributes=[gender]"]
    return ["debug=short", "data=table", *about, *SCALES[kind], "trainer.batch_size=8"]


def trained(folder: Path, *options: str, kind: str | None = None) -> Run:
    """A run that learned something, on the synthetic population or on a corpus of this kind of scale."""
    data = [*TINY] if kind is None else corpus(folder, kind)
    return train(folder, *data, *LEARNING, *options)
