"""From the `data` part of a configuration to a validated AnnotationSet."""

import os

from omegaconf import DictConfig

from perspectives.config import instantiate
from perspectives.data.annotations import AnnotationSet
from perspectives.data.readers.common import MissingData


def load(cfg: DictConfig) -> AnnotationSet:
    """Read and validate the corpus that `cfg.reader` describes.

    cfg: `name`, `reader` (a `_target_` returning Tables), and optionally `duplicates` (see AnnotationSet.from_tables),
        `ratings` (true: ordered levels are read as numbers) and `card` (the catalogue card that says where the files
        are published).

    Raises MissingData, with what to put where if there is a card, and DataError listing everything wrong with the data.
    """
    places = {"path": os.path.expanduser(cfg.reader.path)} if cfg.reader.get("path") is not None else {}
    try:
        tables = instantiate(cfg.reader, **places)
    except MissingData as error:
        if cfg.get("card") is None:
            raise
        from perspectives.data.catalog import missing_message

        raise MissingData(f"{error}\n{missing_message(cfg.card, places.get('path', ''))}") from error
    annotations = AnnotationSet.from_tables(tables, cfg.name, cfg.get("duplicates", "error"))
    return annotations.as_ratings() if cfg.get("ratings", False) else annotations
