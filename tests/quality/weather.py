"""What tests of detectors of noise share: a corpus whose words say its labels, and a quick training on it."""

import numpy as np
import pandas as pd
from running import places

from perspectives.config import compose
from perspectives.data.annotations import AnnotationSet, Tables
from perspectives.data.scale import Scale

WORDS = {
    "a": ["rain", "storm", "cloud", "fog"],
    "b": ["sun", "beach", "warm", "sky"],
    "c": ["tea", "cake", "bread", "jam"],
}


def corpus(items=120, people=3, levels="ab", kind="nominal"):
    """Texts whose words say which level everybody gives them."""
    random = np.random.default_rng(0)
    truth = random.permutation(np.arange(items) % len(levels))
    texts = [" ".join([*random.choice(WORDS[levels[t]], 5), str(i)]) for i, t in enumerate(truth)]
    table = pd.DataFrame({"item_id": np.repeat(np.arange(items), people), "annotator_id": list("xyz"[:people]) * items})
    table["label"] = [levels[t] for t in np.repeat(truth, people)]
    table = table.sample(frac=1, random_state=1)  # rows in no order
    made = Tables(table, pd.DataFrame({"item_id": range(items), "text": texts}), None, Scale(kind, tuple(levels)))
    return AnnotationSet.from_tables(made, "weather")


def config(folder, *overrides):
    fast = ("debug=short", "encoder=ngrams", "encoder.hidden=16", "model=softlabel", "optim.lr=0.05",
            "trainer.max_epochs=6", "split=items")  # fmt: skip
    return compose("train", [*fast, *overrides, *places(folder)])
