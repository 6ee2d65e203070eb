"""Text encoders: `encode(batch) → content [item, hidden]`, live or from vectors computed once.

`Encoder` is the interface that training requires. `Transformer` describes any `AutoModel`; frozen, it turns the texts
of a corpus into cached vectors, so that heads train in seconds; fine-tuned (all weights or LoRA), it becomes a
`LiveEncoder` inside the model.
"""

import hashlib
import warnings
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from tqdm import tqdm

from perspectives.data.batches import Batch
from perspectives.data.tokens import Tokens
from perspectives.errors import ConfigError, DataWarning
from perspectives.files import new_file
from perspectives.models import pretrained

POOLING = ("mean", "cls", "last")
TUNING = ("frozen", "full", "lora")
PAIRS = ("together", "apart")
UNLIMITED = 2**31 - 1  # tokens; tokenizers without a limit report 10^30, too large for a tensor
TOKENS_PER_WORD = 3.0  # above this, the tokenizer hardly knows the language


class Encoder(Protocol):
    """The interface that training requires of an encoder.

    live: the encoder is a part of the model and runs in every step; it then also has `tokens(texts) → Tokens`, which
        batches carry, and `module() → nn.Module`, which reads them. Otherwise its `vectors` replace the texts.

    texts is a table with the column `text` and, where the corpus has pairs, `text_pair`; its rows are items.
    """

    live: bool

    def fit(self, texts: pd.DataFrame) -> Self:
        """Learn whatever is needed before training starts from the train texts. Returns the encoder."""

    def save(self, folder: Path) -> None:
        """Write what `fit` learned into an existing folder. Raises RunError when that is not possible."""

    def load(self, folder: Path) -> Self:
        """Read what `save` wrote, instead of `fit`. Returns the encoder. Raises RunError if missing or damaged."""

    def vectors(self, texts: pd.DataFrame, cache: Path, device: torch.device | str = "cpu") -> np.ndarray:
        """Content vectors, float32 [item, hidden]; computed on `device` unless they are in the folder `cache`."""


class CachedContent(nn.Module):
    """Content vectors computed once per text: float32 [corpus item, hidden], not part of the saved model."""

    vectors: Tensor

    def __init__(self, vectors: np.ndarray) -> None:
        super().__init__()
        self.register_buffer("vectors", torch.from_numpy(vectors), persistent=False)
        self.hidden = vectors.shape[1]

    def forward(self, batch: Batch) -> Tensor:
        return self.vectors[batch.item]


class LiveEncoder(nn.Module):
    """A transformer, its tokenizer and its pooling. Trains with its dropout on; frozen, it stays in evaluation mode.

    apart: encode the two texts of an item separately, and combine their vectors with `compared`. hidden: length of a
    content vector. fields: the tokenizer's outputs for each token (`input_ids`, `attention_mask`, …); mask: position of
    `attention_mask` among them. limit: maximum number of tokens per input.
    """

    def __init__(self, model: Any, tokenizer: Any, pooling: str, trainable: bool, apart: bool = False) -> None:
        super().__init__()
        self.model, self.tokenizer, self.pooling, self.trainable = model, tokenizer, pooling, trainable
        self.apart = apart
        self.hidden: int = model.config.hidden_size * (4 if apart else 1)
        self.fields: tuple[str, ...] = tuple(tokenizer.model_input_names)
        self.mask, self.limit = self.fields.index("attention_mask"), readable(tokenizer, model)
        model.requires_grad_(trainable)
        self.train(trainable)  # from_pretrained returns evaluation mode, which would silently switch dropout off

    def train(self, mode: bool = True) -> "LiveEncoder":
        return super().train(mode and self.trainable)

    def freeze(self) -> None:
        """Stop training the encoder, with dropout off; its weights so far are still saved with the model."""
        self.trainable = False
        self.eval()

    def forward(self, batch: Batch) -> Tensor:
        assert batch.tokens is not None
        return self.vectors(batch.tokens)

    def vectors(self, inputs: dict[str, Tensor]) -> Tensor:
        """Content vectors float32 [item, hidden] of an `AutoModel`'s inputs: `input_ids` or `inputs_embeds`, and the
        `attention_mask`; each [item, 2, token] when texts are read apart, else [item, token]. Gradients pass through a
        frozen encoder to learned input vectors."""
        if self.apart:
            inputs = {name: both.flatten(0, 1) for name, both in inputs.items()}
        learned = self.trainable or ("inputs_embeds" in inputs and inputs["inputs_embeds"].requires_grad)
        with torch.set_grad_enabled(learned and torch.is_grad_enabled()):
            states = self.model(**inputs).last_hidden_state
            vectors = pool(states, inputs["attention_mask"], self.pooling)
            return compared(vectors[0::2], vectors[1::2]) if self.apart else vectors

    # For methods that add to the input. ------------------------------------------------------------------------------

    def tokenize(self, pieces: list[str]) -> list[list[int]]:
        """Token ids of each piece of text, without the special tokens around a text."""
        return self.tokenizer(pieces, add_special_tokens=False)["input_ids"]

    def special_tokens(self) -> tuple[int, int]:
        """How many special tokens stand before and after a text ([CLS] and [SEP] of BERT: 1, 1)."""
        whole, (bare,) = self.tokenizer("a")["input_ids"], self.tokenize(["a"])
        before = whole.index(bare[0])
        return before, len(whole) - before - len(bare)

    def embedding(self) -> nn.Embedding:
        """The vocabulary's vectors [token, width], from which `inputs_embeds` are built."""
        return self.model.get_input_embeddings()


def pool(states: Tensor, mask: Tensor, pooling: str) -> Tensor:
    """One vector per text, float32 [item, hidden], of [item, token, hidden]; padding has mask 0 and is on the right."""
    if pooling == "cls":
        return states[:, 0].float()
    if pooling == "last":
        return states[torch.arange(len(states), device=states.device), mask.sum(1) - 1].float()
    weight = mask[..., None].to(torch.float32)
    return (states.float() * weight).sum(1) / weight.sum(1)


def compared(first: Tensor, second: Tensor) -> Tensor:
    """One vector [item, 4 · hidden] of two texts [item, hidden]: u, v, |u − v|, u ∘ v (Conneau et al. 2017, fig. 1)."""
    return torch.cat([first, second, (first - second).abs(), first * second], -1)


def readable(tokenizer: Any, model: nn.Module) -> int:
    """Maximum number of tokens per input."""
    limits = [tokenizer.model_max_length, getattr(model.config, "max_position_embeddings", UNLIMITED), UNLIMITED]
    for name, module in model.named_modules():
        if name.endswith("position_embeddings") and getattr(module, "padding_idx", None) is not None:
            limits.append(module.num_embeddings - module.padding_idx - 1)  # RoBERTa's positions start after it
    return min(limits)


class Transformer:
    """A pretrained encoder and the options for using it.

    name: `minilm`, `tiny`, a local folder or any Hub name. tune: `frozen`, `full` or `lora`. pooling: `mean` over
    tokens, the first (`cls`) or the `last`. pairs: encode both texts of an item `together` as one input, or `apart`,
    and compare their vectors. max_length: longer inputs are truncated to so many tokens.
    cache: compute frozen vectors once (False runs the frozen encoder in every step, for checks). lora: rank, alpha and
    dropout of the adapters. batch_size: texts per forward pass when vectors are computed. revision: branch, tag or
    commit on the Hub; None for the current main.

    Raises ConfigError for unknown options, a max_length the encoder cannot read and an encoder that cannot be loaded.
    """

    def __init__(
        self,
        name: str,
        tune: str = "frozen",
        pooling: str = "mean",
        pairs: str = "together",
        max_length: int = 128,
        cache: bool = True,
        batch_size: int = 64,
        lora: dict | None = None,
        revision: str | None = None,
    ) -> None:
        for option, value, accepted in (("pooling", pooling, POOLING), ("tune", tune, TUNING), ("pairs", pairs, PAIRS)):
            if value not in accepted:
                raise ConfigError(f"encoder.{option}={value!r} is unknown; choose one of {', '.join(accepted)}")
        self.name, self.tune, self.pooling, self.max_length = name, tune, pooling, max_length
        self.batch_size, self.apart = batch_size, pairs == "apart"
        self.live = tune != "frozen" or not cache
        self.tokenizer: Any
        self.model: Any
        self.tokenizer, self.model = pretrained.load(name, revision)
        if max_length > (limit := readable(self.tokenizer, self.model)):
            raise ConfigError(f"encoder.max_length={max_length} is more than {name!r} can read; at most {limit} tokens")
        if tune == "lora":
            self.model = pretrained.with_adapters(self.model, **(lora or {}))

    def fit(self, texts: pd.DataFrame) -> Self:
        """Does nothing: the encoder is pretrained. Returns the encoder."""
        return self

    def save(self, folder: Path) -> None:
        """Does nothing: tuned weights are saved with the model, others are loaded by name."""

    def load(self, folder: Path) -> Self:
        """Does nothing, because nothing was saved. Returns the encoder."""
        return self

    def module(self) -> LiveEncoder:
        """The encoder as a part of a model."""
        encoder = LiveEncoder(self.model, self.tokenizer, self.pooling, self.tune != "frozen", self.apart)
        if self.tune == "lora":
            pretrained.train_adapters_only(encoder)
        return encoder

    def tokens(self, texts: pd.DataFrame) -> Tokens:
        """Tokenise `texts` (column `text` and optionally `text_pair`). Warns when the language seems unknown to it.

        Raises ConfigError with pairs=apart when the texts are not pairs.
        """
        if self.apart and len(texts.columns) == 1:
            raise ConfigError("encoder.pairs=apart is for items of two texts; these have one, leave it out")
        inputs = [texts.to_numpy().ravel().tolist()] if self.apart else [texts[name].tolist() for name in texts]
        encoded = self.tokenizer(*inputs, truncation=True, max_length=self.max_length)
        padding = {"input_ids": self.tokenizer.pad_token_id or 0, "token_type_ids": self.tokenizer.pad_token_type_id}
        fields = {name: padding.get(name, 0) for name in encoded}
        tokens = Tokens(dict(encoded), fields, inputs_per_item=2 if self.apart else 1)
        words = np.array([sum(len(text.split()) for text in row) for row in zip(*inputs, strict=True)])
        lengths = tokens.input_lengths.ravel()
        whole = lengths < self.max_length
        counted = whole if whole.any() else ~whole  # truncated texts have words without tokens
        special = self.tokenizer.num_special_tokens_to_add(pair=len(inputs) > 1)
        rate = (lengths[counted] - special).sum() / max(words[counted].sum(), 1)
        if rate > TOKENS_PER_WORD:
            message = f"encoder {self.name!r} needs {rate:.1f} tokens per word: it hardly knows this language"
            advice = "try encoder=ngrams or a multilingual encoder, unless the language is written without spaces"
            warnings.warn(f"{message}; {advice}", DataWarning, stacklevel=2)
        return tokens

    def vectors(self, texts: pd.DataFrame, cache: Path, device: torch.device | str = "cpu") -> np.ndarray:
        """Content vectors of a frozen encoder, float32 [item, hidden], read from `cache` if they are there.

        float32 because in bf16 the vectors of a text depend slightly on its batch.
        """
        tokens = self.tokens(texts)
        path = cache / "content" / self._digest() / f"{_digest_of_tokens(tokens)}.npy"
        if path.exists():
            return np.load(path)
        vectors = self._encode(tokens, device)
        with new_file(path) as partial, open(partial, "wb") as file:
            np.save(file, vectors)
        return vectors

    def _encode(self, tokens: Tokens, device: torch.device | str) -> np.ndarray:
        encoder = LiveEncoder(self.model, self.tokenizer, self.pooling, False, self.apart).to(device)
        vectors = np.empty((len(tokens), encoder.hidden), np.float32)
        order = np.argsort(tokens.lengths, kind="stable")
        with (
            torch.inference_mode(),
            tqdm(total=len(order), desc=f"encoding with {self.name}", unit="text", disable=None) as bar,
        ):
            for start in range(0, len(order), self.batch_size):
                items = order[start : start + self.batch_size]
                fields = {name: ids.to(device) for name, ids in tokens.padded(items).items()}
                vectors[items] = encoder.vectors(fields).cpu().numpy()
                bar.update(len(items))
        return vectors

    def _digest(self) -> str:
        """Digest of what the vectors depend on besides the tokens: weights, architecture, pooling and length."""
        options = f"{self.pooling}{' apart' if self.apart else ''} {self.max_length} float32"
        digest = hashlib.sha256(f"{options} {self.model.config.model_type}".encode())
        for name, tensor in sorted(self.model.state_dict().items()):
            digest.update(name.encode())
            digest.update(tensor.cpu().reshape(-1).view(torch.uint8).numpy())
        return digest.hexdigest()[:16]


def _digest_of_tokens(tokens: Tokens) -> str:
    """Digest of texts and tokenizer together; of the tokens, because some tokenizers have no file to hash."""
    digest = hashlib.sha256(tokens.input_lengths.tobytes())
    for name, ids in sorted(tokens.flat.items()):
        digest.update(name.encode() + ids.tobytes())
    return digest.hexdigest()[:16]
