"""Decoding: once, by all cores, going on where a killed process stopped; what cannot be read is named."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from daecore.data import picture_reading
from daecore.data.decoding import decode
from daecore.data.image_search import find_images
from daecore.data.picture_file import open_picture_file, read_image
from daecore.data.picture_rows import VALUES
from daecore.data.picture_store import PictureWriter
from daecore.errors import DataError


@pytest.fixture
def folder(tmp_path):
    """Thirty grey pictures of several sizes."""
    (tmp_path / "pictures").mkdir()
    rng = np.random.default_rng(0)
    for number in range(30):
        size = (8 + number % 3, 9 + number % 4)
        Image.fromarray(rng.integers(0, 256, size, np.uint8)).save(tmp_path / "pictures" / f"{number:02}.png")
    return tmp_path / "pictures"


@pytest.fixture
def read(monkeypatch):
    """The names of the files that are read from now on."""
    names: list[str] = []

    def opening(path, choice):
        names.append(Path(path).name)
        return open_picture_file(path, choice)

    monkeypatch.setattr(picture_reading, "open_picture_file", opening)
    return names


def listed(folder):
    return find_images(folder).listed


def test_what_was_decoded_is_not_read_again(folder, tmp_path, read):
    """Not by another process, nor where the folder has another name."""
    first = decode(listed(folder), 1, tmp_path / "data")
    assert len(read) == 30
    for number, file in enumerate(listed(folder)):
        assert torch.equal(first.pictures.picture(number), read_image(file.path, 1).pixels)
    folder.rename(tmp_path / "elsewhere")
    again = decode(listed(tmp_path / "elsewhere"), 1, tmp_path / "data")
    assert again.pictures.digest == first.pictures.digest
    assert len(read) == 30


def test_another_file_of_the_same_name_size_and_time_is_another_one(folder, tmp_path):
    """As in two archives of one day: clean/00.pgm and noisy/00.pgm."""
    found = []
    for value, name in ((1, "clean"), (2, "noisy")):
        (tmp_path / name).mkdir()
        Image.new("L", (8, 8), value).save(tmp_path / name / "00.pgm")
        os.utime(tmp_path / name / "00.pgm", ns=(0, 0))
        found.append(decode(listed(tmp_path / name), 1, tmp_path / "data").pictures.picture(0))
    assert [int(it.max()) for it in found] == [1, 2]


def test_another_process_goes_on_where_one_was_killed(folder, tmp_path, monkeypatch, read):
    """What was flushed counts; what was not is decoded again; the result is the same."""
    whole = decode(listed(folder), 1, tmp_path / "whole")
    add, added = PictureWriter.add, []

    def killed(self, *given, **named):
        add(self, *given, **named)
        added.append(1)
        if len(added) == 10:
            self.flush()
        if len(added) == 14:
            self._values[0].flush()  # values without their rows, as after a power cut
            self._new.clear()
            raise KeyboardInterrupt

    monkeypatch.setattr(PictureWriter, "add", killed)
    with pytest.raises(KeyboardInterrupt):
        decode(listed(folder), 1, tmp_path / "data")
    monkeypatch.setattr(PictureWriter, "add", add)
    read.clear()
    assert decode(listed(folder), 1, tmp_path / "data").pictures.digest == whole.pictures.digest
    assert read == [f"{number:02}.png" for number in range(10, 30)]


@pytest.mark.parametrize("harm", ["short values", "torn row", "no header"])
def test_what_is_damaged_is_decoded_again_and_never_read(folder, tmp_path, harm):
    """A copy of the data folder that was cut, a row of which a part was written."""
    whole = decode(listed(folder), 1, tmp_path / "data").pictures.digest
    (kept,) = (tmp_path / "data" / "decoded").iterdir()
    if harm == "short values":
        content = (kept / VALUES[0][0]).read_bytes()
        (kept / VALUES[0][0]).write_bytes(content[:1000])
    elif harm == "torn row":
        rows = bytearray((kept / "rows.bin").read_bytes())
        rows[5 * 69 + 40 : 6 * 69] = bytes(29)
        (kept / "rows.bin").write_bytes(bytes(rows))
        (kept / "header.json").unlink()
    else:
        (kept / "header.json").unlink()
    assert decode(listed(folder), 1, tmp_path / "data").pictures.digest == whole


def test_a_folder_that_has_grown_is_decoded_only_where_it_is_new(folder, tmp_path, read):
    """With what is to be known of the others."""
    tifffile.imwrite(folder / "00-deep.tif", np.full((8, 8), 2**31 + 1, np.uint32))
    before = decode(listed(folder), 1, tmp_path / "data")
    read.clear()
    Image.new("L", (20, 20), 7).save(folder / "new.png")
    grown = decode(listed(folder), 1, tmp_path / "data")
    assert read == ["new.png"]
    assert grown.pictures.select(np.arange(31)).digest == before.pictures.digest
    assert grown.notes == before.notes
    assert "00-deep.tif: of its 32-bit numbers the leading 24 bits are kept" in before.notes[0]


def test_files_that_cannot_be_read_are_named_and_the_others_kept(folder, tmp_path, read):
    """Each time; and when they are gone nothing else is read again."""
    (folder / "03.png").write_bytes(b"damaged")
    (folder / "20.png").write_bytes(b"")
    for _ in range(2):
        found = decode(listed(folder), 1, tmp_path / "data")
        assert [("03.png" in said, "20.png" in said) for said in found.bad] == [(True, False), (False, True)]
        assert len(found.pictures) == len(found.places) == 28
    read.clear()
    (folder / "03.png").unlink()
    (folder / "20.png").unlink()
    assert not decode(listed(folder), 1, tmp_path / "data").bad
    assert read == []


def test_what_can_be_read_later_is_read_then(folder, tmp_path, monkeypatch):
    """A limit that the environment sets, and lifts."""
    monkeypatch.setenv("DAE_MAX_MEGAPIXELS", "0.0001")
    Image.new("L", (20, 20), 7).save(folder / "10-large.png")
    assert len(decode(listed(folder), 1, tmp_path / "data").bad) > 0
    monkeypatch.delenv("DAE_MAX_MEGAPIXELS")
    found = decode(listed(folder), 1, tmp_path / "data")
    assert not found.bad
    assert len(found.pictures) == 31


def test_a_file_that_changes_while_it_is_decoded_is_named(folder, tmp_path):
    before = listed(folder)
    Image.new("L", (30, 30)).save(folder / "05.png")
    with pytest.raises(DataError, match=r"05\.png has changed since its folder was listed"):
        decode(before, 1, tmp_path / "data")


def test_grey_and_colour_are_kept_apart(folder, tmp_path):
    grey, colour = (decode(listed(folder), channels, tmp_path / "data").pictures for channels in (1, 3))
    assert torch.equal(colour.picture(4), grey.picture(4).expand(3, -1, -1))


def test_a_full_disk_is_said_in_a_paragraph(folder, tmp_path, monkeypatch):
    """And what was written before counts."""

    def full(file):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("daecore.data.picture_store.sync", full)
    with pytest.raises(DataError, match=r"cannot be written to .*No space left on device.*Make room"):
        decode(listed(folder), 1, tmp_path / "data")
    monkeypatch.undo()
    assert len(decode(listed(folder), 1, tmp_path / "data").pictures) == 30
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DataError, match="Not a directory"):
        decode(listed(folder), 1, tmp_path / "file")


def test_names_that_are_no_text_can_be_decoded(folder, tmp_path):
    """Of old disks; with a note, in which the name stands."""
    tifffile.imwrite(folder / "deep.tif", np.full((8, 8), 2**31 + 1, np.uint32))
    os.rename(os.fsencode(folder / "deep.tif"), os.fsencode(folder) + b"/d\xe4rk.tif")
    found = decode(listed(folder), 1, tmp_path / "data")
    assert len(found.notes) == 1
    assert found.notes == decode(listed(folder), 1, tmp_path / "data").notes


def test_what_was_removed_meanwhile_is_made_again(folder, tmp_path):
    decode(listed(folder), 1, tmp_path / "data")
    shutil.rmtree(Path(tmp_path / "data" / "decoded"))
    assert len(decode(listed(folder), 1, tmp_path / "data").pictures) == 30
