"""The explorer as one HTML file with its styles, scripts and data: it fetches nothing and runs only its own scripts."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from perspectives.errors import DataWarning, PerspectivesError
from perspectives.reports.explorer.content import Content, content, with_nearby
from perspectives.reports.pages.html import packed, whole
from perspectives.runs.joined import Joined
from perspectives.runs.run import Run

PARTS = Path(__file__).parent
# In the order in which they are executed; each is one concept.
SCRIPTS = (
    "data", "juries", "compositions", "model", "counterfactual", "null", "state", "items", "seats", "verdict",
    "jurors", "changes", "overview", "typed", "main",
)  # fmt: skip
STYLES = ("controls", "verdict", "page")  # what print leaves out comes last
SPLITS_OF_PEOPLE = ("annotators", "both")
TEXTS_AT_ONCE = 64


def explorer(found: Joined, nearby: bool = True, **options: Any) -> Content:
    """The content of a page about a trained method: the mean over its seeds, its folds joined.

    nearby: whether the encoder tells which texts are near each other; where it cannot be loaded, a warning says so.
    options: of `content`.
    """
    config, notes = found.runs[0].config, []
    if config["split"]["_target_"].rpartition(".")[2] in SPLITS_OF_PEOPLE:
        notes.append("Folds are of people: other people's labels of the texts on this page may have been trained on.")
    page = content(found.mean, notes=notes, **options)
    about = {"seeds": len(found.by_seed), "folds": len({run.config["split"].get("fold") for run in found.runs})}
    page.header["about"] |= about | {"encoder": config["encoder"].get("name", "")}
    vectors = content_vectors(found.runs[0], pd.DataFrame(page.header["items"])) if nearby else None
    return page if vectors is None else with_nearby(page, vectors)


def content_vectors(run: Run, items: pd.DataFrame) -> np.ndarray | None:
    """Content vectors of texts (columns `text` and, of pairs, `pair`) by the encoder of a run, float32 [item, hidden];
    None, with a warning, where it cannot be loaded."""
    import torch

    from perspectives.data.batches import Batch
    from perspectives.training.rebuilding import load_model

    texts = items.rename(columns={"pair": "text_pair"}).drop(columns="id")
    try:
        model, tokens = load_model(run, texts)
    except (PerspectivesError, OSError) as error:
        reason = str(error).partition(";")[0]
        warnings.warn(f"the page has no nearby texts: {reason}", DataWarning, stacklevel=2)
        return None
    vectors = []
    with torch.inference_mode():
        for rows in torch.arange(len(texts)).split(TEXTS_AT_ONCE):
            padded = None if tokens is None else tokens.padded(rows.numpy())
            vectors.append(model.encoder(Batch.of_texts(rows, padded)).numpy())
    return np.concatenate(vectors)


def html(page: Content, served: bool = False) -> str:
    """The page as one file. served: whether it may ask the server it came from about typed texts."""
    header = page.header | {"served": served, "arrays": {name: packed(one) for name, one in page.arrays.items()}}
    return whole(PARTS, STYLES, SCRIPTS, header, "'self'" if served else "'none'")
