"""Natural images: from a folder that is named, else those scikit-image carries, and said which."""

import pytest
from daecore_plugins.datasets.natural import TEST_PHOTOGRAPHS, TRAIN_PHOTOGRAPHS, Natural, fingerprint, natural
from PIL import Image

from daecore import DataError, InputError, find_images


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Twenty images to train on, two in two sizes to test on; each of one brightness."""
    for place, values in (("train400", range(20)), ("set12", (100, 101))):
        (tmp_path / place).mkdir()
        for value in values:
            Image.new("L", (24, 16) if value == 101 else (16, 16), value).save(tmp_path / place / f"{value}.png")
    monkeypatch.setenv("DAE_NATURAL", str(tmp_path))
    return tmp_path


def test_the_named_folder_is_split_by_its_own_folders(folder):
    """Crops of 19 images train, those of one validate, and the others are tested on whole."""
    splits = natural(Natural(size=8, crops=60), cache=folder)
    assert splits.train.data.shape == (57, 1, 8, 8)
    assert splits.validation.data.shape == (3, 1, 8, 8)
    assert [tuple(group.data.shape) for group in splits.test] == [(1, 1, 16, 16), (1, 1, 16, 24)]
    sets = [set(part.data.unique().tolist()) for part in (splits.train, splits.validation, *splits.test)]
    assert [len(values) for values in sets] == [19, 1, 1, 1]
    assert sets[0] | sets[1] == set(range(20))


def test_the_fingerprint_says_where_images_come_from_and_sees_other_files(folder, monkeypatch):
    before = fingerprint(Natural())
    assert before.splitlines()[0] == (
        "20 images to train and 2 to test on: train400 and set12 in the folder that DAE_NATURAL names"
    )
    Image.new("L", (16, 16), 7).save(folder / "set12" / "another.png")
    assert fingerprint(Natural()) != before
    monkeypatch.delenv("DAE_NATURAL")
    assert "photographs that scikit-image carries, as DAE_NATURAL names no folder" in fingerprint(Natural())


def test_a_named_folder_without_the_images_is_refused(folder, monkeypatch):
    """Rather than quietly taking other images."""
    (folder / "set12").rename(folder / "set13")
    with pytest.raises(InputError, match=r"found no set12\. Put the images there, or unset DAE_NATURAL"):
        natural(Natural(), cache=folder)
    monkeypatch.setenv("DAE_NATURAL", "/nonexistent")
    with pytest.raises(InputError, match="found no train400 and no set12"):
        fingerprint(Natural())


def test_without_a_folder_scikit_image_s_photographs_serve(monkeypatch, tmp_path):
    """They need no download, and none is in two sets."""
    monkeypatch.delenv("DAE_NATURAL", raising=False)
    splits = natural(Natural(size=16, crops=100), cache=tmp_path)
    assert splits.train.data.shape == (90, 1, 16, 16)
    assert sum(len(group) for group in splits.test) == len(TEST_PHOTOGRAPHS) == 4
    assert not set(TRAIN_PHOTOGRAPHS) & set(TEST_PHOTOGRAPHS)


def test_an_image_that_vanishes_is_named_by_the_fingerprint(folder, monkeypatch):
    def searched(root):
        found = find_images(root)
        (root / "100.png").unlink(missing_ok=True)
        return found

    monkeypatch.setattr("daecore_plugins.datasets.image_folder.find_images", searched)
    with pytest.raises(DataError, match=r"100\.png cannot be opened: No such file or directory\. .* run again"):
        fingerprint(Natural())
