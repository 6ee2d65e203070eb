"""A trained model in use: predict for new texts, save it for others, publish it on the Hub, load it from there.

model = TrainedModel.of("runs/synthetic/multitask-…")      or .from_pretrained("owner/name")
answers = pd.concat(model.predict(["The tea is cold again."], groups="gender"))
model.push_to_hub("owner/name")
"""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import torch

from perspectives.config import instantiate
from perspectives.data.batches import Batch
from perspectives.data.scale import Scale
from perspectives.data.schema import Schema
from perspectives.data.texts import table_of
from perspectives.data.tokens import Tokens
from perspectives.errors import ConfigError, DataWarning, RunError
from perspectives.inference import hub
from perspectives.inference.export import export, reading, refuse_foreign
from perspectives.inference.respondents import Asked, Group, asked
from perspectives.metrics.calibration import with_temperature
from perspectives.models.base import AnnotatorModel
from perspectives.models.encoder import CachedContent, Encoder
from perspectives.predictions import KIND_OF_SCALE, answer_columns
from perspectives.runs.run import MEMBERS, Run
from perspectives.training.rebuilding import device_of, read_weights, rebuilt

ACCELERATORS = ("auto", "cpu", "gpu", "mps")
TEXTS_AT_ONCE = 4096  # sorted by length together
NUMBERS_AT_ONCE = 8_000_000  # answers held in memory, unless a single batch already has more


@dataclass(eq=False)
class TrainedModel:
    """A trained model with its encoder, ready to predict.

    run: the folder it was loaded from, a finished run or one that `save_pretrained` wrote. columns: the texts it reads,
    `text` and, where the corpus had pairs, `text_pair`. temperature: calibrates its probabilities.
    """

    run: Run
    schema: Schema
    encoder: Encoder
    model: AnnotatorModel
    columns: tuple[str, ...]
    temperature: float
    device: torch.device
    batch_size: int = 64

    # Loading. ------------------------------------------------------------------------------------------------------

    @classmethod
    def of(cls, run: Run | str | Path, accelerator: str = "auto") -> "TrainedModel":
        """The model of a finished run, or of a folder that `save_pretrained` wrote.

        accelerator: `auto`, `cpu`, `gpu` or `mps`.

        Raises RunError when the run is unfinished, damaged or has no single trained model (priors, an ensemble),
        ConfigError when its configuration names anything other than a model and an encoder of perspectives, or when
        the encoder or the accelerator is not available.
        """
        run = run if isinstance(run, Run) else Run(Path(run).expanduser())
        config, metrics = run.config, run.metrics
        if accelerator not in ACCELERATORS:
            raise ConfigError(f"accelerator={accelerator} is unknown; choose one of {', '.join(ACCELERATORS)}")
        if not (run.folder / "model.safetensors").exists():
            raise RunError(
                f"{run.folder} holds no single trained model (no model.safetensors): priors have no weights; an "
                f"ensemble's are in its folder {MEMBERS}/; give the run of another method, such as model=multitask"
            )
        refuse_foreign(config, run.folder)
        options = dict(config["encoder"])
        if "cache" in options:
            options["cache"] = False  # vectors of new texts are not worth keeping
        encoder: Encoder = instantiate(options).load(run.folder)
        weights = read_weights(run.folder / "model.safetensors")
        device = device_of(accelerator)
        module = encoder.module() if encoder.live else _content(encoder, pd.DataFrame({"text": ["a"]}), device)  # type: ignore[attr-defined]
        model = rebuilt(run, weights, module).to(device)
        heat = float(metrics.get("temperature", 1.0))
        return cls(run, model.schema, encoder, model, reading(run).texts, heat, device)

    @classmethod
    def from_pretrained(
        cls,
        name_or_folder: str | Path,
        revision: str | None = None,
        token: str | None = None,
        accelerator: str = "auto",
    ) -> "TrainedModel":
        """A model that `save_pretrained` or `push_to_hub` wrote, from a local folder or from the Hub by `owner/name`.

        revision: branch, tag or commit on the Hub. token: for private models; None uses the one of `hf auth login`.
        Only tables, configuration and safetensors are fetched, never pickles, and the configuration can name nothing
        but models and encoders of perspectives. An encoder that it names on the Hub is loaded by transformers: from
        safetensors or, where there are none, by torch's restricted unpickler. Errors as in `of`, and RunError when
        neither a local folder nor the Hub has the model.
        """
        return cls.of(hub.fetched(name_or_folder, revision, token), accelerator)

    # Saving. -------------------------------------------------------------------------------------------------------

    def save_pretrained(self, folder: str | Path, keep_ids: bool = False, encoder: str | None = None) -> Path:
        """Write what `from_pretrained` needs, and a model card, into a new folder, all or nothing. Returns its path.

            config.yaml      without paths of this machine     schema.json        scale, annotators, attributes
            metrics.json     scores and temperature            model.safetensors  trained parameters
            provenance.json  command and versions              README.md          the card; and what the encoder learned

        keep_ids: annotator ids are personal data. Unless kept, `schema.json` calls people annotator-0001, … in the
        order of their ids. Their demographic values and numbers of labels stay, because predictions for groups need
        them; anyone who has the corpus can therefore still identify people.
        encoder: name on the Hub of an encoder that the run loaded from a local folder. Pretrained encoders are not
        copied but loaded by name (tuned ones for their architecture and tokenizer).

        Raises RunError when the folder exists or cannot be written, ConfigError when other machines cannot load the
        encoder by its name, or the run is a member of an ensemble, which models one annotator.
        """
        folder = Path(folder).expanduser()
        return export(self.run, self.model, self.encoder, folder, folder.name, keep_ids, encoder)

    def push_to_hub(
        self,
        repo_id: str,
        private: bool = True,
        token: str | None = None,
        commit_message: str = "Add model",
        keep_ids: bool = False,
        encoder: str | None = None,
    ) -> str:
        """Write what `save_pretrained` writes into a repository on the Hub, created if need be. Returns its address.

        private: an existing public repository is refused unless this is false. False warns where the corpus may not be
        redistributed: its licence may not allow publishing a model trained on it either.
        token: None uses the one of `hf auth login`. keep_ids, encoder: see `save_pretrained`.

        Raises RunError when the Hub refuses or cannot be reached, and what `save_pretrained` raises.
        """
        with TemporaryDirectory() as scratch:
            folder = Path(scratch) / "model"
            export(self.run, self.model, self.encoder, folder, repo_id, keep_ids, encoder)
            return hub.published(folder, repo_id, private, token, commit_message)

    # Predicting. ---------------------------------------------------------------------------------------------------

    @property
    def scale(self) -> Scale:
        return self.schema.scale

    def asked(
        self,
        annotators: str | Sequence[str] | None = None,
        groups: str | Sequence[Group] | None = None,
        people: pd.DataFrame | None = None,
    ) -> Asked:
        """The respondents: see `respondents.asked`. Warns when the model gives everyone the same answer, and when it
        cannot use people's demographics."""
        who = asked(self.schema, annotators, groups, people)
        unknown = int((who.annotators.group == 0).sum())
        if self.model.joint_groups and unknown:
            warnings.warn(
                f"{unknown} of {len(who.names)} people have a combination of demographic values that nobody had in "
                "training: this model (model.groups=joint) answers as if their demographics were unknown",
                DataWarning,
                stacklevel=2,
            )
        if self.model.blind and (annotators, groups, people) != (None, None, None):
            name = self.run.config["model"]["name"]
            warnings.warn(f"model {name} gives everyone the same answer, whoever is asked", DataWarning, stacklevel=2)
        return who

    def predict(
        self,
        texts: pd.DataFrame | Sequence[str],
        annotators: str | Sequence[str] | None = None,
        groups: str | Sequence[Group] | None = None,
        people: pd.DataFrame | None = None,
    ) -> Iterator[pd.DataFrame]:
        """Predicted answers to each text, as tables of a few thousand texts each, in the order of the texts.

        texts: a list of texts, or a table with `text` (and `text_pair`) and optionally `item_id`.
        annotators, groups, people: whose answers, at most one; by default the population's. See `respondents`.

        A table has `item_id`, `annotator_id` or `group`, then `p_<level>` float32, calibrated, and `label`, the most
        likely level (for sets: those above one half); on interval scales `rating` instead. For groups and the
        population these are weighted means over people.

        Raises DataError and ConfigError immediately, before anything is computed.
        """
        who, table = self.asked(annotators, groups, people), table_of(texts, self.columns)
        size = self.chunk_size(who)
        return self.scored((table.iloc[start : start + size] for start in range(0, len(table), size)), who)

    def scored(self, chunks: Iterator[pd.DataFrame], who: Asked) -> Iterator[pd.DataFrame]:
        """The tables of `predict` for texts that arrive in chunks (columns `item_id` and those of the model)."""
        for number, chunk in enumerate(chunks):
            with warnings.catch_warnings():
                if number:  # the language warning was issued for the first chunk
                    warnings.simplefilter("ignore", DataWarning)
                answers = self.answers(chunk, who)
            yield answer_table(self.scale, chunk["item_id"], who, answers)

    def answers(self, texts: pd.DataFrame, who: Asked) -> np.ndarray:
        """Calibrated answers float32 [item, asked, level] ([item, asked, 1] for ratings) to the texts of one table."""
        combined = np.empty((len(texts), len(who.names), self.scale.size), np.float32)
        people = who.annotators.to(self.device)
        tokens = self._prepare(texts[list(self.columns)])
        order = np.arange(len(texts)) if tokens is None else np.argsort(tokens.lengths, kind="stable")
        with torch.inference_mode():
            for start in range(0, len(order), self.batch_size):
                items = order[start : start + self.batch_size]
                padded = None if tokens is None else tokens.padded(items)
                batch = Batch.of_texts(torch.from_numpy(items), padded).to(self.device)
                answers = self.model.everyone(self.model.encode(batch), people).cpu().numpy()
                combined[items] = who.combined(self._calibrated(answers))
        return combined

    def chunk_size(self, who: Asked) -> int:
        """How many texts are processed together, so that memory does not grow with their number."""
        return int(np.clip(NUMBERS_AT_ONCE // (len(who.names) * self.scale.size), self.batch_size, TEXTS_AT_ONCE))

    def _prepare(self, texts: pd.DataFrame) -> Tokens | None:
        """The tokens of the texts; None when the model is given their content vectors instead."""
        if self.encoder.live:
            return self.encoder.tokens(texts)  # type: ignore[attr-defined]
        self.model.encoder = _content(self.encoder, texts, self.device)
        return None

    def _calibrated(self, answers: np.ndarray) -> np.ndarray:
        kind = KIND_OF_SCALE[self.scale.kind]
        return (
            answers if kind == "rating" or self.temperature == 1 else with_temperature(answers, self.temperature, kind)
        )


def _content(encoder: Encoder, texts: pd.DataFrame, device: torch.device) -> torch.nn.Module:
    """Freshly computed content vectors; the encoder's cache is a temporary folder."""
    with TemporaryDirectory() as scratch:
        return CachedContent(encoder.vectors(texts, Path(scratch), device)).to(device)


def answer_table(scale: Scale, items: pd.Series, who: Asked, answers: np.ndarray) -> pd.DataFrame:
    """Answers [item, asked, level] as a table with a row per item and answer; see `TrainedModel.predict`."""
    values = answers.reshape(-1, scale.size)
    table: dict[str, Any] = {
        "item_id": items.repeat(len(who.names)).reset_index(drop=True),
        who.column: pd.Series(who.names, dtype="str").take(np.tile(np.arange(len(who.names)), len(items))).to_numpy(),
    }
    table |= dict(zip(answer_columns(scale), values.T, strict=True))
    if scale.kind != "interval":
        table["label"] = scale.decode(values > 0.5 if scale.kind == "multilabel" else values.argmax(1))
    return pd.DataFrame(table)
