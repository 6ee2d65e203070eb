"""Reading and writing files; whatever is written is written completely or not at all."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from perspectives.errors import RunError

TABLE_SUFFIXES = (".csv", ".tsv", ".jsonl", ".parquet")  # of the tables that users may bring


@contextmanager
def new_file(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path that replaces `path` when the block succeeds and is deleted when it fails.

    Raises RunError when the disk is full or the folder cannot be written.
    """
    path = Path(path)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield partial
            _flush(partial)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)


@contextmanager
def new_folder(path: str | Path) -> Iterator[Path]:
    """Yield a temporary folder that replaces `path`, or an older one there, when the block succeeds.

    Raises RunError when the disk is full or the parent cannot be written.
    """
    path = Path(path)
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}.", suffix=".partial"))
        older = partial.with_suffix(".older")
        partial.chmod(0o755)
        try:
            yield partial
            for file in partial.rglob("*"):
                if file.is_file():
                    _flush(file)
            if path.exists():
                path.replace(older)  # not deleted yet: if the next line fails, the older one is still there
            partial.replace(path)
            shutil.rmtree(older, ignore_errors=True)
        finally:
            shutil.rmtree(partial, ignore_errors=True)


def _flush(path: Path) -> None:
    with open(path, "rb") as written:
        os.fsync(written.fileno())


def clear_leftovers(folder: Path) -> None:
    """Delete the temporary files that killed processes left below `folder`. Nobody may be writing there now."""
    for leftover in [*folder.rglob(".*.partial"), *folder.rglob(".*.older")]:
        if leftover.is_dir():
            shutil.rmtree(leftover, ignore_errors=True)
        else:
            leftover.unlink(missing_ok=True)


@contextmanager
def explained(path: str | Path) -> Iterator[None]:
    """Turn an OSError raised while writing `path` into a RunError that says what to do."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise RunError(f"{path} could not be written: {reason}; free some space or choose another folder") from error


def write_text(path: str | Path, text: str) -> None:
    """Write a UTF-8 file, completely or not at all."""
    with new_file(path) as partial:
        partial.write_text(text, encoding="utf-8")


def write_json(path: str | Path, value: Any) -> None:
    """Write a JSON file, completely or not at all; nan is allowed."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=True) + "\n")


def read_json(path: str | Path) -> Any:
    """Return the content of a JSON file. Raises RunError when it is missing or is not JSON."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise RunError(f"{path} does not exist") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise RunError(f"{path} is not readable JSON ({error}); it is damaged, delete it and run again") from error
