"""Fixtures shared by all tests."""

import os
from pathlib import Path

import pytest

DATA = Path(os.environ.get("PERSPECTIVES_DATA", Path(__file__).parents[2] / "shared" / "data"))


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of the published corpora; the test is skipped where it is absent."""
    if not DATA.is_dir():
        pytest.skip("the published corpora are not here; PERSPECTIVES_DATA names their folder")
    return DATA
