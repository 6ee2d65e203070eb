"""Character n-grams: an offline encoder for languages not covered by the offline transformer.

TF-IDF of character n-grams fitted on train texts, then reduced to a dense vector by a truncated SVD (latent semantic
analysis, Deerwester et al. 1990). No weights to download; rebuilt from its vocabulary and two arrays, never unpickled.
"""

import zipfile
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd
import torch

from perspectives.errors import RunError
from perspectives.files import new_file, read_json, write_json


class Ngrams:
    """Character n-grams within words; an `Encoder`.

    shortest, longest: range of n. features: number of n-grams kept, the most frequent in train. hidden: length of the
        content vector; less where train has fewer texts or n-grams.
    """

    live = False

    def __init__(self, shortest: int = 2, longest: int = 5, features: int = 20_000, hidden: int = 256) -> None:
        from sklearn.feature_extraction.text import TfidfVectorizer

        self.hidden = hidden
        self.vectorizer = TfidfVectorizer(
            analyzer="char_wb", sublinear_tf=True, ngram_range=(shortest, longest), max_features=features
        )
        self.components = np.empty((0, 0), np.float32)  # [hidden, feature] once fitted

    def fit(self, texts: pd.DataFrame) -> Self:
        """Learn vocabulary, weights and directions from the train texts. Returns the encoder."""
        from sklearn.decomposition import TruncatedSVD

        features = self.vectorizer.fit_transform(_joined(texts))
        size = max(1, min(self.hidden, min(features.shape) - 1))
        self.components = TruncatedSVD(size, random_state=0).fit(features).components_.astype(np.float32)
        return self

    def vectors(self, texts: pd.DataFrame, cache: Path, device: torch.device | str = "cpu") -> np.ndarray:
        """Content vectors, float32 [item, hidden]; zeros for a text without any n-gram of the train texts.

        Computed quickly by scikit-learn; `cache` and `device` are not used.
        """
        return (self.vectorizer.transform(_joined(texts)) @ self.components.T).astype(np.float32)

    def save(self, folder: Path) -> None:
        """Write `ngrams.json` and `ngrams.npz` into an existing folder."""
        vocabulary = {gram: int(column) for gram, column in self.vectorizer.vocabulary_.items()}
        write_json(folder / "ngrams.json", vocabulary)
        with new_file(folder / "ngrams.npz") as partial, open(partial, "wb") as file:
            np.savez(file, idf=self.vectorizer.idf_, components=self.components)

    def load(self, folder: Path) -> Self:
        """Read what `save` wrote with the same options. Returns the encoder. Raises RunError if missing or damaged."""
        self.vectorizer.vocabulary = read_json(folder / "ngrams.json")
        try:
            with np.load(folder / "ngrams.npz", allow_pickle=False) as arrays:
                self.vectorizer.idf_ = arrays["idf"]
                self.components = arrays["components"]
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise RunError(f"{folder / 'ngrams.npz'} is missing or damaged: {error}; train again") from error
        return self


def _joined(texts: pd.DataFrame) -> list[str]:
    return texts.agg(" ".join, axis=1).tolist()
