"""The annotator in the input of the encoder: a learned user token and attributes as text, before the text.

Text and annotator then interact in every layer of the encoder instead of after it. Annotator vectors in the input layer
are due to Deng et al. 2023 (You Are What You Annotate, Findings of EMNLP), attributes in words to sociodemographic
prompting (Beck et al. 2024, EACL); Orlikowski et al. 2025 (Beyond Demographics, ACL) fine-tune on ids and attributes in
one input, and find that the ids are what helps. This module reimplements none of these systems, but applies their
common idea to any encoder.
"""

import warnings
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from perspectives.data.annotators import Annotators
from perspectives.data.batches import Batch
from perspectives.data.schema import Schema
from perspectives.data.validation import UNKNOWN
from perspectives.errors import ConfigError, DataWarning
from perspectives.models.base import AnnotatorModel, Optimization
from perspectives.models.encoder import LiveEncoder
from perspectives.models.layers import AnnotatorTable

PAIRS_AT_ONCE = 128  # in one pass of the encoder


class AttributeText(nn.Module):
    """An annotator's attributes as tokens of `gender: woman;` and so on, in the order of the schema.

    Every (attribute, value) is tokenised once, including `unknown`.
    """

    tokens: Tensor  # int64 [attribute value, token, field]
    first: Tensor  # int64 [attribute]: row of its value 0, unknown

    def __init__(self, schema: Schema, encoder: LiveEncoder) -> None:
        super().__init__()
        # Many tokenizers attach a space to the next word: with it first, the pieces tokenise like one text.
        pieces = [
            encoder.tokenize([f" {known.name.replace('_', ' ')}: {value};" for value in (UNKNOWN, *known.values)])
            for known in schema.attributes
        ]
        self.longest = sum(max(map(len, values)) for values in pieces)
        rows = [ids for values in pieces for ids in values]
        tokens = torch.zeros(len(rows), max(map(len, rows)), len(encoder.fields), dtype=torch.int64)
        for row, ids in enumerate(rows):
            tokens[row, : len(ids), encoder.fields.index("input_ids")] = torch.tensor(ids)
            tokens[row, : len(ids), encoder.mask] = 1
        sizes = torch.tensor([len(values) for values in pieces])
        self.register_buffer("tokens", tokens, persistent=False)
        self.register_buffer("first", sizes.cumsum(0) - sizes, persistent=False)

    def forward(self, attributes: Tensor) -> Tensor:
        """Tokens int64 [annotator, token, field] of these attribute codes, with padding (mask 0) in between."""
        return self.tokens[self.first + attributes].flatten(1, 2)


class Conditioned(AnnotatorModel):
    """One sequence per (text, annotator) pair, `[CLS] user attributes text [SEP]`, and a linear head on its vector.

    user_token: a learned input vector per annotator. attribute_text: the attributes of the schema in words. The
    annotator's part is never truncated; where it and the text are too long for the encoder, the text is.
    id_dropout: share of annotators per batch whose id is hidden, which trains the vector of unseen people.

    The content that `encode` returns is tokens, int64 [item, token, field], and the encoder runs in `pairs`: once per
    distinct pair, in blocks, so that many annotators take time but no memory. A warning at the start gives the number
    of pairs.

    Raises ConfigError when both options are off, when attributes are the only input and there are none, for an encoder
    that is not a part of the model, and when the attributes leave no room for texts.
    """

    encoder: LiveEncoder

    def __init__(
        self,
        encoder: Any,
        schema: Schema,
        optimization: Optimization,
        user_token: bool = True,
        attribute_text: bool = True,
        id_dropout: float = 0.1,
        **options: Any,
    ) -> None:
        super().__init__(encoder, schema, optimization, **options)
        _check(encoder, schema, user_token, attribute_text)
        self.id_dropout = id_dropout if user_token else 0.0
        self.before, self.after = encoder.special_tokens()
        width = encoder.embedding().embedding_dim
        self.users = AnnotatorTable(len(schema.people) + 1, width) if user_token else None
        self.words = AttributeText(schema, encoder) if attribute_text and schema.attributes else None
        self.head = nn.Linear(encoder.hidden, self.objective.width)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        self._check_room()

    def annotator_tables(self) -> list[tuple[Tensor, Tensor]]:
        """The table of user vectors; a new annotator starts at the vector of unseen people."""
        return [] if self.users is None else [(self.users.weight, self.users.weight[:1].detach())]

    def on_fit_start(self) -> None:
        loader: Any = self.trainer.fit_loop._data_source.instance
        pairs = loader.counts.clip(max=loader.raters_per_item or loader.counts.max()).sum()
        warnings.warn(
            f"conditioned encodes up to {pairs:,} (text, annotator) pairs per epoch instead of {len(loader.items):,} "
            "texts; trainer.raters_per_item draws fewer",
            DataWarning,
            stacklevel=1,
        )

    def encode(self, batch: Batch) -> Tensor:
        """The tokens of the texts, int64 [item, token, field]: the encoder itself runs in `pairs`."""
        assert batch.tokens is not None
        return torch.stack([batch.tokens[field] for field in self.encoder.fields], -1)

    def pairs(self, content: Tensor, annotators: Annotators, item_index: Tensor, annotator_index: Tensor) -> Tensor:
        people, person = self._distinct(annotators)
        distinct, position = torch.unique(item_index * len(people) + person[annotator_index], return_inverse=True)
        users = None if self.users is None else self.users(people[:, 0])
        blocks, encoded = distinct.split(PAIRS_AT_ONCE), []
        # With several blocks, each is encoded again for its gradients, so that memory holds only one at a time.
        again = len(blocks) > 1 and torch.is_grad_enabled()
        for block in blocks:
            item, who = block // len(people), block % len(people)
            inputs = self.sequences(content[item], people[who, 1:]), None if users is None else users[who]
            encoded.append(checkpoint(self._vectors, *inputs, use_reentrant=False) if again else self._vectors(*inputs))
        vectors = torch.cat(encoded)
        return self.head(self.dropout(nn.functional.layer_norm(vectors, vectors.shape[-1:])))[position]

    def _distinct(self, annotators: Annotators) -> tuple[Tensor, Tensor]:
        """The annotators this model distinguishes, as codes of id and attributes, int64 [distinct, 1 + attribute], and
        the row of each annotator, int64 [annotator]."""
        code = torch.zeros_like(annotators.code) if self.users is None else annotators.code
        attributes = annotators.attributes[:, : None if self.words else 0]
        return torch.cat([code[:, None], attributes], 1).unique(dim=0, return_inverse=True)

    def sequences(self, texts: Tensor, attributes: Tensor) -> Tensor:
        """The encoder's input, int64 [pair, token, field]: the tokens of texts int64 [pair, token, field], preceded by
        those of annotators with these attribute codes, int64 [pair, attribute]; padded on the right.

        With user vectors, a copy of the text's first token is the placeholder for the vector.
        """
        parts = ([texts[:, :1]] if self.users is not None else []) + ([self.words(attributes)] if self.words else [])
        prefix = torch.cat(parts, 1)
        mask = self.encoder.mask
        room = self.encoder.limit - prefix[..., mask].sum(1, keepdim=True)
        place, length = torch.arange(texts.shape[1], device=texts.device), texts[..., mask].sum(1, keepdim=True)
        fits = (place < room - self.after) | (place >= length - self.after)  # special tokens after the text stay
        texts = texts.clone()
        texts[..., mask] *= fits
        whole = torch.cat([texts[:, : self.before], prefix, texts[:, self.before :]], 1)
        kept = whole[..., mask]
        order = kept.argsort(dim=1, descending=True, stable=True)[:, : int(kept.sum(1).max())]
        return whole.gather(1, order[..., None].expand(-1, -1, whole.shape[-1]))

    def _vectors(self, sequences: Tensor, users: Tensor | None) -> Tensor:
        """Float32 [pair, hidden] of the sequences with these user vectors, float32 [pair, width], in their places."""
        inputs = dict(zip(self.encoder.fields, sequences.unbind(-1), strict=True))
        embedded = self.encoder.embedding()(inputs.pop("input_ids"))
        if users is not None:
            embedded = torch.cat([embedded[:, : self.before], users[:, None], embedded[:, self.before + 1 :]], 1)
        return self.encoder.vectors({**inputs, "inputs_embeds": embedded})

    def _check_room(self) -> None:
        longest = self.before + (self.users is not None) + (self.words.longest if self.words else 0) + self.after
        if longest >= self.encoder.limit:
            raise ConfigError(
                f"annotators take up to {longest} of the {self.encoder.limit} tokens the encoder reads at once, which "
                "leaves none for texts; choose fewer attributes with model.attributes=[…]"
            )


def _check(encoder: Any, schema: Schema, user_token: bool, attribute_text: bool) -> None:
    if not (user_token or attribute_text):
        raise ConfigError(
            "model.user_token=false and model.attribute_text=false leave the annotator out of the input; set one of "
            "them to true, or use model=softlabel, which ignores annotators"
        )
    if not user_token and not schema.attributes:
        raise ConfigError(
            "model.attribute_text=true needs attributes, and there are none; set model.user_token=true, choose other "
            "model.attributes, or data that has some"
        )
    if not isinstance(encoder, LiveEncoder):
        raise ConfigError(
            "model=conditioned reads annotators together with texts, which precomputed vectors do not allow; set "
            "encoder.tune=full or lora (or encoder.cache=false), with an encoder other than ngrams"
        )
    if encoder.apart:
        raise ConfigError("model=conditioned writes annotators before the texts; read them with encoder.pairs=together")
