"""The recipes: every one is a complete experiment that fits together, and says in a line what it is."""

import json
from pathlib import Path

import pytest
import yaml
from daecore_flows.store import recipes
from daecore_flows.store.store import Store

from daecore.errors import InputError
from daecore.experiment.experiment import parse, read
from daecore.experiment.feasibility import check

NAMES = sorted(recipes.recipes())


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_fits_together(name: str) -> None:
    """It parses, its parts fit, and its network restores the shape of the samples."""
    check(parse(read(recipes.find(name))))


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_round_trips(name: str) -> None:
    """YAML with every default spelt out, and JSON, give the same experiment."""
    experiment = parse(read(recipes.find(name)))
    assert parse(yaml.safe_load(experiment.dump())) == experiment
    assert parse(json.loads(experiment.model_dump_json())) == experiment


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_says_what_it_is(name: str) -> None:
    """The first line is a comment that `dae recipes` prints."""
    assert 10 < len(recipes.summary(recipes.recipes()[name])) <= 110


def test_the_lectures_corruptions_have_recipes() -> None:
    """What the first page of the documentation promises is there."""
    assert {"mnist-erasure", "mnist-erasure-unet", "mnist-super-resolution", "digits-erasure", "arc-gaussian"} <= set(
        NAMES
    )


def test_an_unknown_recipe_names_the_nearest() -> None:
    """A typing error is answered with what was probably meant."""
    with pytest.raises(InputError, match=r"no recipe called 'mnist-erasur'.*Did you mean 'mnist-erasure'"):
        recipes.find("mnist-erasur")


def test_a_users_own_file_is_read_with_changes(tmp_path: Path) -> None:
    """A path that ends in .yaml is a file."""
    path = tmp_path / "mine.yaml"
    path.write_text("dataset: {digits: {}}\n")
    assert recipes.mapping(str(path), ["seed=3"]) == {"dataset": {"digits": {}}, "seed": 3}


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    """The message names the file."""
    with pytest.raises(InputError, match=r"nothing\.yaml cannot be read"):
        recipes.mapping(str(tmp_path / "nothing.yaml"), [])


def test_a_recipe_of_one_s_own_that_is_called_as_a_series_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which one was meant nobody can know: both files are named."""
    monkeypatch.setattr(recipes, "current_store", lambda: Store(tmp_path, tmp_path))
    own = tmp_path / "recipes" / "lecture" / "arc.yaml"
    own.parent.mkdir(parents=True)
    own.write_text("dataset: {digits: {}}\n")
    with pytest.raises(
        InputError, match=r"two recipes called 'lecture/arc': .*recipes/lecture/arc\.yaml and .*Rename one"
    ):
        recipes.find("lecture/arc")
    assert "lecture/arc" in recipes.packaged_recipes()
