"""Load the corpus that the `data` part of a configuration describes."""

import os

from omegaconf import DictConfig

from perspectives.config import instantiate
from perspectives.data.annotations import AnnotationSet
from perspectives.data.readers.common import MissingData


def load(cfg: DictConfig) -> AnnotationSet:
    """Read and validate the corpus that `cfg.reader` describes.

    cfg: `name`, `reader` (a `_target_` returning Tables), and optionally `duplicates` (see AnnotationSet.from_tables),
        `ratings` (true: ordered levels are read as numbers), `limit` (at most this many items of each published part,
        drawn at random, for quick trials) and `card` (the catalogue card of the corpus).

    Raises MissingData, with instructions where there is a card, and DataError listing all problems of the data.
    """
    path = cfg.reader.get("path")
    places = {"path": os.path.expanduser(path)} if isinstance(path, str) else {}
    try:
        tables = instantiate(cfg.reader, **places)
    except MissingData as error:
        if cfg.get("card") is None:
            raise
        from perspectives.data.catalog import missing_message

        raise MissingData(f"{error}\n{missing_message(cfg.card, places.get('path', ''))}") from error
    annotations = AnnotationSet.from_tables(tables, cfg.name, cfg.get("duplicates", "error"))
    annotations = annotations.as_ratings() if cfg.get("ratings", False) else annotations
    return annotations if cfg.get("limit") is None else _few(annotations, cfg.limit)


def _few(annotations: AnnotationSet, limit: int) -> AnnotationSet:
    """Draw at most `limit` items of each published part, always the same, with all their annotations."""
    items = annotations.items.sample(frac=1, random_state=0)
    part = items["split"] if "split" in items else items["item_id"].isna()
    kept = items["item_id"][items.groupby(part, dropna=False).cumcount() < limit]
    return annotations.select(annotations.annotations["item_id"].isin(kept).to_numpy())
