"""Perspectivist NLP: model what each annotator would say, and ask what a given jury would decide.

The public names below are imported on first use, so that `import perspectives` stays light: no torch, no lightning.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOMES = {
    "AnnotationSet": "perspectives.data.annotations",
    "Predictions": "perspectives.predictions",
    "Run": "perspectives.runs.run",
    "Scale": "perspectives.data.scale",
    "Tables": "perspectives.data.annotations",
    "TrainedModel": "perspectives.inference.trained_model",
    "compose": "perspectives.config.composing",
    "fit": "perspectives.training.fit",
}

__all__ = ["AnnotationSet", "Predictions", "Run", "Scale", "Tables", "TrainedModel", "__version__", "compose", "fit"]

if TYPE_CHECKING:
    from perspectives.config.composing import compose
    from perspectives.data.annotations import AnnotationSet, Tables
    from perspectives.data.scale import Scale
    from perspectives.inference.trained_model import TrainedModel
    from perspectives.predictions import Predictions
    from perspectives.runs.run import Run
    from perspectives.training.fit import fit


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'perspectives' has no attribute {name!r}; it offers {', '.join(__all__)}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
