"""Models from configurations: built untrained, or rebuilt from what a run keeps."""

from pathlib import Path
from typing import Any

import pandas as pd
import torch
from omegaconf import DictConfig, OmegaConf
from safetensors import SafetensorError
from safetensors.torch import load_file

from perspectives.config import instantiate
from perspectives.data.schema import Schema
from perspectives.data.tokens import Tokens
from perspectives.errors import ConfigError, RunError
from perspectives.models.base import AnnotatorModel, Optimization
from perspectives.models.encoder import CachedContent
from perspectives.models.ensemble import ENSEMBLE
from perspectives.runs.run import MEMBERS, Run


def device_of(accelerator: str) -> torch.device:
    """The device for `trainer.accelerator`. Raises ConfigError when the machine does not have it."""
    present = {"gpu": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    chosen = next(name for name, available in present.items() if available) if accelerator == "auto" else accelerator
    if not present[chosen]:
        raise ConfigError(f"trainer.accelerator={chosen}, but torch finds none on this machine; choose auto or cpu")
    return torch.device({"gpu": "cuda"}.get(chosen, chosen))


def build_model(
    config: DictConfig, encoder: torch.nn.Module, schema: Schema, annotations_per_batch: float = 1.0
) -> AnnotatorModel:
    """The model a configuration describes, untrained."""
    return instantiate(
        config.model,
        encoder=encoder,
        schema=schema,
        optimization=Optimization(**config.optim, annotations_per_batch=annotations_per_batch),
        seed=config.seed,
    )


def content(
    encoder: Any, texts: pd.DataFrame, cache: str, device: torch.device | str = "cpu"
) -> tuple[Tokens | None, torch.nn.Module]:
    """Tokens of the texts and a live encoder, or None and the content vectors of the texts."""
    if encoder.live:
        return encoder.tokens(texts), encoder.module()
    return None, CachedContent(encoder.vectors(texts, Path(cache).expanduser(), device))


def load_model(run: Run, texts: pd.DataFrame) -> tuple[AnnotatorModel, Tokens | None]:
    """A trained model, rebuilt from `config.yaml`, `schema.json` and `model.safetensors`, ready for new texts.

    texts: columns `text` and, where the corpus had it, `text_pair`; their row numbers are the items of a Batch. Returns
    the model in evaluation mode and the tokens a Batch of these texts needs (None when it needs none).

    Raises RunError when the run has no trained model, has several or is damaged, ConfigError when the encoder cannot be
    loaded.
    """
    if run.config["model"]["name"] == ENSEMBLE:
        raise RunError(f"{run.folder} is an ensemble of several models; load one of the runs in its folder {MEMBERS}/")
    weights = read_weights(run.folder / "model.safetensors")
    config = OmegaConf.create(run.config)
    encoder = instantiate(config.encoder).load(run.folder)
    tokens, module = content(encoder, texts, config.paths.cache)
    return rebuilt(run, weights, module), tokens


def rebuilt(run: Run, weights: dict[str, torch.Tensor], encoder: torch.nn.Module) -> AnnotatorModel:
    """The trained model of a run around its encoder, in evaluation mode. Raises RunError when weights are missing."""
    model = build_model(OmegaConf.create(run.config), encoder, Schema.load(run.folder / "schema.json"))
    restore(model, weights, run)
    return model.eval()


def read_weights(path: Path) -> dict[str, torch.Tensor]:
    """The weights in a safetensors file. Raises RunError when it is missing or damaged."""
    try:
        return load_file(path)
    except FileNotFoundError as error:
        raise RunError(
            f"{path.parent} has no model.safetensors; run its command again to finish the training"
        ) from error
    except (SafetensorError, OSError) as error:
        raise RunError(f"{path} is damaged ({error}); delete {path.parent} and train again") from error


def restore(model: AnnotatorModel, state: dict[str, torch.Tensor], run: Run) -> None:
    """Give a model the weights that a run trained. Raises RunError when some are missing."""
    model.load_state_dict(state, strict=False)
    if absent := set(model.trained_state()) - set(state):
        raise RunError(f"{run.folder} is missing weights {sorted(absent)[:3]}; delete the run folder and train again")
