"""A user's own images: split by file, cropped by a named stream, refused with the file's name."""

import re
import tempfile
from pathlib import Path

import numpy as np
import pytest
import torch
from daecore_flows.stages.dataset import dataset_request, load_dataset
from daecore_flows.store.store import Store
from daecore_plugins.datasets.image_folder import ImageFolder, fingerprint, image_folder, sample_shape
from PIL import Image

from daecore import DataError, InputError, NonFiniteError, find_images, read_image
from daecore.experiment.experiment import parse


@pytest.fixture
def folder(tmp_path):
    """Ten grey images, each of one brightness, in two sizes, one of them in a subfolder."""
    (tmp_path / "images" / "deep").mkdir(parents=True)
    for value in range(10):
        place = tmp_path / "images" / ("deep" if value == 9 else "") / f"{value}.png"
        Image.new("L", (24, 16) if value % 2 else (16, 16), value).save(place)
    return tmp_path / "images"


def load(folder, **options):
    chosen = ImageFolder(path=str(folder), **{"size": 8, "crops_per_image": 3, **options})
    with tempfile.TemporaryDirectory() as cache:
        return image_folder(chosen, cache=Path(cache))


def save(array, path):
    Image.fromarray(array).save(path)
    return path


def test_no_file_is_in_two_sets(folder):
    splits = load(folder, validation=0.2, test=0.3)
    sets = [set(part.data.unique().tolist()) for part in (splits.train, splits.validation, *splits.test)]
    assert [len(values) for values in sets] == [5, 2, 3]
    assert set.union(*sets) == set(range(10))


@pytest.mark.parametrize("colour", [False, True])
def test_crops_have_the_declared_shape(folder, colour):
    splits = load(folder, colour=colour)
    assert splits.train.shape == sample_shape(ImageFolder(size=8, colour=colour)) == (3 if colour else 1, 8, 8)
    assert len(splits.train) == 8 * 3
    assert splits.train.data.dtype == torch.uint8


def test_the_same_seed_gives_the_same_crops(folder):
    assert load(folder).digest == load(folder).digest
    assert load(folder).digest != load(folder, seed=1).digest


def test_crops_are_pieces_of_the_image(tmp_path):
    """Each pixel holds its own position, so a crop is known by its corner."""
    for name in "abc":
        save(np.arange(256, dtype=np.uint8).reshape(16, 16), tmp_path / f"{name}.png")
    data = load(tmp_path, crops_per_image=200).train.data
    expected = data[:, :, :1, :1] + (torch.arange(8)[:, None] * 16 + torch.arange(8)).to(torch.uint8)
    assert torch.equal(data, expected)
    assert data[:, 0, 0, 0].unique().numel() > 60  # of the 81 possible corners


def test_whole_images_are_grouped_by_shape_and_not_cut(folder):
    groups = load(folder, mode="whole", test=0.4).test
    assert sum(len(group) for group in groups) == 4
    assert {group.shape for group in groups} <= {(1, 16, 16), (1, 16, 24)}


def test_a_test_folder_of_its_own_is_used_whole(folder, tmp_path):
    (tmp_path / "other").mkdir()
    Image.new("L", (30, 20), 77).save(tmp_path / "other" / "x.tif")
    splits = load(folder, mode="whole", test_path=str(tmp_path / "other"))
    assert [group.data.unique().tolist() for group in splits.test] == [[77]]
    assert len(splits.train) == 9 * 3


def test_a_test_folder_inside_the_folder_is_not_trained_on(folder):
    splits = load(folder, test_path=str(folder / "deep"))
    assert splits.test[0].data.unique().tolist() == [9]
    assert 9 not in torch.cat([splits.train.data, splits.validation.data])


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_sixteen_bits_stay_sixteen(tmp_path, suffix):
    file = save(np.array([[0, 257, 32768, 65535]], dtype=np.uint16), tmp_path / f"deep.{suffix}")
    expected = torch.tensor([[[0, 257, 32768, 65535]]]) / 65535
    assert torch.equal(read_image(file, 1).pixels, expected)
    assert torch.equal(read_image(file, 3).pixels, expected.expand(3, 1, 4))


def test_floats_are_taken_as_zero_to_one(tmp_path):
    file = save(np.array([[0, 0.5, 1]], dtype=np.float32), tmp_path / "float.tif")
    assert read_image(file, 1).pixels.tolist() == [[[0, 0.5, 1]]]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_value_that_is_not_finite_names_the_file(tmp_path, bad):
    file = save(np.array([[0, bad]], dtype=np.float32), tmp_path / "bad.tif")
    with pytest.raises(NonFiniteError, match=r"bad\.tif has 1 value"):
        read_image(file)


def test_floats_beyond_one_are_not_guessed_at(tmp_path):
    file = save(np.array([[0, 200]], dtype=np.float32), tmp_path / "wide.tif")
    with pytest.raises(DataError, match=r"wide\.tif has values from 0 to 200"):
        read_image(file)


def test_a_damaged_file_is_named(folder):
    (folder / "0.png").write_bytes((folder / "0.png").read_bytes()[:45])
    with pytest.raises(DataError, match=r"0\.png cannot be read"):
        load(folder)


def test_all_that_cannot_be_used_is_named_at_once(folder):
    """Damaged files and those smaller than a crop, with the largest crop that fits all."""
    (folder / "0.png").write_bytes(b"")
    (folder / "5.png").write_bytes((folder / "5.png").read_bytes()[:45])
    Image.new("L", (15, 30)).save(folder / "narrow.png")
    with pytest.raises(DataError) as refusal:
        load(folder, size=16)
    said = str(refusal.value)
    assert re.search(r"The image \S+/0\.png is empty", said)
    assert re.search(r"The image \S+/5\.png cannot be read: ", said)
    assert re.search(r"Smaller than a crop of 16 x 16 pixels: \S+/narrow\.png \(30 x 15\)\.\n", said)
    assert "The largest that fits all is size=15" in said
    with pytest.raises(DataError) as refusal:
        load(folder, size=20)
    assert len(re.findall(r"/(\d|narrow)\.png \(\d+ x \d+\)", str(refusal.value))) == 9


def test_what_was_used_and_what_was_left_out_is_one_line(folder, caplog):
    (folder / ".hidden").mkdir()
    Image.new("L", (16, 16)).save(folder / ".hidden" / "thumb.png")
    Image.new("L", (16, 16)).save(folder / "._0.png")
    (folder / "notes.txt").write_text("no picture")
    (folder / "deep" / "up").symlink_to(folder)
    caplog.set_level("INFO", "daecore.progress")
    load(folder)
    (record,) = caplog.records
    assert record.getMessage() == (
        "image_folder: path has 10 pictures; left out 4: 2 with a dot in front, 1 no picture by its name (.txt), "
        "1 the same file or folder again, by a link"
    )


def test_a_picture_that_two_folders_lead_to_is_tested_on_only(folder, tmp_path):
    """By a link or by another name of the same file: it is in one set."""
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "a.png").symlink_to(folder / "3.png")
    (tmp_path / "tests" / "b.png").hardlink_to(folder / "4.png")
    splits = load(folder, test_path=str(tmp_path / "tests"))
    assert sorted(splits.test[0].data.unique().tolist()) == [3, 4]
    assert not {3, 4} & set(torch.cat([splits.train.data, splits.validation.data]).unique().tolist())


def test_linked_folders_are_part_of_the_fingerprint(folder, tmp_path):
    """Links, too, are followed once; what systems hide is not seen."""
    (tmp_path / "elsewhere").mkdir()
    (folder / "linked").symlink_to(tmp_path / "elsewhere")
    before = fingerprint(ImageFolder(path=str(folder)))
    (folder / "._0.png").write_bytes(b"hidden")
    assert fingerprint(ImageFolder(path=str(folder))) == before
    Image.new("L", (16, 16)).save(tmp_path / "elsewhere" / "new.png")
    assert "path linked/new.png" in fingerprint(ImageFolder(path=str(folder)))


def test_files_that_change_after_they_were_looked_at_are_not_recorded_as_they_were(folder, tmp_path, monkeypatch):
    """A run's request names the files as they were; loading others is refused with the file's name."""
    store = Store(tmp_path / "store", tmp_path / "data")
    for name in store.environment():
        monkeypatch.setenv(name, "")
    store.enter()
    data = {"image_folder": {"path": str(folder), "size": 8}}
    asked = dataset_request(parse({"dataset": data, "corruptions": [{"gaussian_noise": {}}]}))
    assert load_dataset.fn(asked).sizes["train"] == 8 * 32
    Image.new("L", (16, 16), 200).save(folder / "2.png")
    again = dataset_request(parse({"dataset": data, "corruptions": [{"gaussian_noise": {}}]}))
    assert again.key != asked.key
    Image.new("L", (17, 16), 100).save(folder / "2.png")
    with pytest.raises(DataError, match=r"2\.png has changed since its folder was listed"):
        load_dataset.fn(again)


def test_what_cannot_be_a_dataset_is_said_at_the_door(tmp_path):
    with pytest.raises(InputError, match="set its option `path`"):
        load("")
    with pytest.raises(InputError, match="no such folder"):
        load(tmp_path / "nowhere")
    with pytest.raises(InputError, match="found no image"):
        load(tmp_path)
    Image.new("L", (16, 16)).save(tmp_path / "only.png")
    with pytest.raises(InputError, match="too few"):
        load(tmp_path)


def test_the_fingerprint_changes_with_the_files(folder):
    options = ImageFolder(path=str(folder))
    before = fingerprint(options)
    Image.new("L", (16, 16), 200).save(folder / "new.png")
    assert fingerprint(options) != before


def test_a_file_that_moves_from_training_to_test_is_another_fingerprint(folder, tmp_path):
    """By names, sizes and times alone the two lists would read the same: what was last of one is first of the other."""
    tests = tmp_path / "tests"
    tests.mkdir()
    Image.new("L", (16, 16), 200).save(tests / "z.png")
    options = ImageFolder(path=str(folder), test_path=str(tests))
    before = fingerprint(options)
    (folder / "8.png").rename(tests / "8.png")
    assert fingerprint(options) != before
    assert "test_path 8.png" in fingerprint(options)
    assert "path deep/9.png" in fingerprint(options)


def test_a_folder_that_was_moved_whole_is_the_same_data(folder, tmp_path):
    before = fingerprint(ImageFolder(path=str(folder)))
    folder.rename(tmp_path / "elsewhere")
    assert fingerprint(ImageFolder(path=str(tmp_path / "elsewhere"))) == before


def vanishing(monkeypatch, name):
    """Somebody takes this file away right after each search has found it."""

    def searched(root):
        found = find_images(root)
        (root / name).unlink(missing_ok=True)
        return found

    monkeypatch.setattr("daecore_plugins.datasets.image_folder.find_images", searched)


@pytest.mark.parametrize("own", [False, True])
def test_a_file_that_vanishes_while_it_is_loaded_is_named(folder, monkeypatch, own):
    """Also where it must be told from the files of `test_path`."""
    vanishing(monkeypatch, "3.png")
    with pytest.raises(DataError, match=r"^The image \S+3\.png cannot be opened: No such file or directory\.$"):
        load(folder, **({"test_path": str(folder / "deep")} if own else {}))
