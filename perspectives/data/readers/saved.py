"""A corpus that `AnnotationSet.save` wrote, so that data made in Python can be trained on by configuration."""

from pathlib import Path

from perspectives.data.annotations import AnnotationSet, Tables


def read(path: str | Path) -> Tables:
    """Read the folder `path` that `AnnotationSet.save` wrote. Raises DataError when it is not one, or damaged."""
    saved = AnnotationSet.load(path)
    return Tables(saved.annotations, saved.items, saved.annotators, saved.scale)
