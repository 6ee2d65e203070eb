"""Character n-grams: fitted on train only, saved without a loss, for any script."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer

from perspectives.errors import RunError
from perspectives.models.ngrams import Ngrams

THINGS = ["red tea", "green cup", "blue tea", "red cloud", "green cloud", "blue cup"]
TRAIN = pd.DataFrame({"text": [f"the {thing} of day {n}" for n, thing in enumerate(THINGS * 4)]})
TEST = pd.DataFrame({"text": ["a blue tea", "something else entirely", "the red cup of day 3"]})
ARABIC = pd.DataFrame({"text": ["قهوة الصباح", "شاي المساء", "قهوة المساء", "شاي الصباح الأخضر"]})


def fitted(train: pd.DataFrame = TRAIN, **options) -> Ngrams:
    return Ngrams(**{"hidden": 8, **options}).fit(train)


def encoded(encoder: Ngrams, texts: pd.DataFrame) -> np.ndarray:
    return encoder.vectors(texts, Path("unused"))


def test_vectors_are_those_of_scikit_learn_up_to_sign():
    features = TfidfVectorizer(analyzer="char_wb", sublinear_tf=True, ngram_range=(2, 5), max_features=20_000)
    reference = TruncatedSVD(8, algorithm="arpack", random_state=1).fit(features.fit_transform(TRAIN["text"]))
    expected = reference.transform(features.transform(TRAIN["text"]))
    got = encoded(fitted(), TRAIN)
    assert (got.shape, got.dtype) == ((24, 8), np.float32)
    np.testing.assert_allclose(np.abs(got[:, :4]), np.abs(expected[:, :4]), atol=2e-2)
    np.testing.assert_allclose(got @ got.T, expected @ expected.T, atol=3e-2)


def test_vectors_do_not_depend_on_what_else_is_encoded():
    encoder = fitted()
    together = encoded(encoder, pd.concat([TRAIN, TEST], ignore_index=True))
    np.testing.assert_array_equal(encoded(encoder, TRAIN), together[: len(TRAIN)])
    np.testing.assert_allclose(encoded(encoder, TEST.iloc[[1]]), together[[len(TRAIN) + 1]], atol=1e-6)
    assert "entir" not in encoder.vectorizer.vocabulary_


def test_a_saved_encoder_gives_identical_encoded(tmp_path):
    encoder = fitted()
    encoder.save(tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["ngrams.json", "ngrams.npz"]
    np.testing.assert_array_equal(encoded(Ngrams(hidden=8).load(tmp_path), TEST), encoded(encoder, TEST))


def test_arabic_works_and_words_that_share_letters_are_near(tmp_path):
    encoder = fitted(ARABIC, hidden=3)
    vectors = encoded(encoder, ARABIC)
    assert np.linalg.matrix_rank(vectors) == 3
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    assert unit[0] @ unit[2] > unit[0] @ unit[1]  # coffee with coffee, not with tea in the evening
    encoder.save(tmp_path)
    np.testing.assert_array_equal(encoded(Ngrams(hidden=3).load(tmp_path), ARABIC), vectors)


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")  # the variance of one text, which nobody reads
def test_few_texts_give_short_vectors_and_foreign_ones_zeros():
    encoder = fitted(TRAIN.iloc[:3])
    assert encoded(encoder, TEST).shape == (3, 2)
    assert (encoded(encoder, ARABIC) == 0).all()
    assert encoded(fitted(TRAIN.iloc[:1]), TEST).shape == (3, 1)


def test_both_texts_of_a_pair_count():
    pairs = TEST.assign(text_pair=["the green cup", "the green cup", "a red tea"])
    assert not np.allclose(encoded(fitted(), pairs), encoded(fitted(), TEST))


@pytest.mark.parametrize("damage", ["cut", "text", "absent", "other"])
def test_a_damaged_file_is_named(tmp_path, damage):
    fitted().save(tmp_path)
    file = tmp_path / "ngrams.npz"
    if damage == "cut":
        file.write_bytes(file.read_bytes()[:200])
    elif damage == "text":
        file.write_text("nothing")
    elif damage == "absent":
        file.unlink()
    else:
        np.savez(file, idf=np.ones(3))
    with pytest.raises(RunError, match=r"ngrams\.npz is missing or damaged: .*; train again"):
        Ngrams(hidden=8).load(tmp_path)
    (tmp_path / "ngrams.json").write_text("{")
    with pytest.raises(RunError, match=r"ngrams\.json is not readable JSON"):
        Ngrams(hidden=8).load(tmp_path)
