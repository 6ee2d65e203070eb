"""`import perspectives` is light, and every public name is found."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import perspectives

HEAVY = ("torch", "lightning", "transformers", "hydra", "pandas")


def loaded_after(code: str) -> set[str]:
    """Which heavy packages a fresh interpreter has loaded after running `code`."""
    report = f"{code}\nimport sys; print(*[name for name in {HEAVY} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", report], capture_output=True, text=True, check=True)
    return set(result.stdout.splitlines()[-1].split())


def test_importing_the_package_loads_nothing_heavy():
    assert loaded_after("import perspectives, perspectives.cli; dir(perspectives)") == set()


def test_the_test_above_can_fail():
    assert loaded_after("import perspectives; perspectives.Scale") == {"pandas"}


def test_looking_at_data_loads_neither_torch_nor_lightning():
    code = "from perspectives.cli import main; assert main(['data', 'check', 'data.reader.items=60']) == 0"
    assert loaded_after(code) == {"hydra", "pandas"}


def test_priors_load_neither_torch_nor_lightning():
    loaded = loaded_after("import perspectives.models.priors")
    assert "pandas" in loaded
    assert not loaded & {"torch", "lightning", "transformers"}


@pytest.mark.parametrize("name", perspectives.__all__)
def test_public_names_are_what_they_say(name):
    value = getattr(perspectives, name)
    assert name == "__version__" or value.__name__ == name
    assert name in dir(perspectives)


def test_unknown_names_are_refused_with_what_there_is():
    with pytest.raises(AttributeError, match=r"has no attribute 'Jury'; it offers AnnotationSet, Predictions"):
        _ = perspectives.Jury


def test_no_public_name_is_also_a_module():
    # importing `perspectives.x` would replace a lazy name `x` by the module
    modules = {path.stem for path in Path(perspectives.__file__).parent.iterdir()}
    assert not modules & set(perspectives.__all__)


def test_version_is_that_of_the_project_file():
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
    assert perspectives.__version__ == project["version"]
