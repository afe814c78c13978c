"""Decoding: once, by all cores, going on where a killed process stopped; what cannot be read is named."""

import os

import numpy as np
import pytest
import torch
from PIL import Image

from daecore.data.decoding import decode
from daecore.data.image_file import read_image
from daecore.data.image_search import find_images
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


def spoil(path):
    """Another content that looks like the same file: whoever reads it again gives itself away."""
    status = path.stat()
    path.write_bytes(b"\0" * status.st_size)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def test_what_was_decoded_is_not_read_again(folder, tmp_path):
    """Not by another process, nor where the folder has moved."""
    listed = find_images(folder).listed
    first = decode(listed, 1, tmp_path / "data")
    for number, file in enumerate(listed):
        assert torch.equal(first.pictures.picture(number), read_image(file.path, 1).pixels)
        spoil(file.path)
    folder.rename(tmp_path / "elsewhere")
    again = decode(find_images(tmp_path / "elsewhere").listed, 1, tmp_path / "data")
    assert again.pictures.digest == first.pictures.digest


def test_another_process_goes_on_where_one_was_killed(folder, tmp_path, monkeypatch):
    """What was flushed counts; what was not is decoded again; the result is the same."""
    listed = find_images(folder).listed
    whole = decode(listed, 1, tmp_path / "whole")
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
        decode(listed, 1, tmp_path / "data")
    monkeypatch.undo()
    for file in listed[:10]:
        spoil(file.path)
    assert decode(listed, 1, tmp_path / "data").pictures.digest == whole.pictures.digest


def test_a_folder_that_has_grown_is_decoded_only_where_it_is_new(folder, tmp_path):
    before = decode(find_images(folder).listed, 1, tmp_path / "data")
    for file in find_images(folder).listed:
        spoil(file.path)
    Image.new("L", (20, 20), 7).save(folder / "15-new.png")
    grown = decode(find_images(folder).listed, 1, tmp_path / "data")
    assert len(grown.pictures) == 31
    kept = np.array([number for number in range(31) if number != 15])
    assert grown.pictures.select(kept).digest == before.pictures.digest


def test_files_that_cannot_be_read_are_named_and_the_others_kept(folder, tmp_path):
    """Mended, only they are decoded."""
    (folder / "03.png").write_bytes(b"damaged")
    (folder / "20.png").write_bytes(b"")
    found = decode(find_images(folder).listed, 1, tmp_path / "data")
    assert [("03.png" in said, "20.png" in said) for said in found.bad] == [(True, False), (False, True)]
    assert len(found.pictures) == len(found.files) == 28
    for file in found.files:
        spoil(file.path)
    (folder / "03.png").unlink()
    (folder / "20.png").unlink()
    assert not decode(find_images(folder).listed, 1, tmp_path / "data").bad


def test_a_file_that_changes_while_it_is_decoded_is_named(folder, tmp_path):
    listed = find_images(folder).listed
    Image.new("L", (30, 30)).save(folder / "05.png")
    with pytest.raises(DataError, match=r"05\.png has changed since its folder was listed"):
        decode(listed, 1, tmp_path / "data")


def test_notes_are_told_each_time(tmp_path):
    """Also where nothing is decoded any more."""
    (tmp_path / "in").mkdir()
    Image.fromarray(np.full((8, 8), 900, np.uint16)).save(tmp_path / "in" / "dark.png")
    told = [decode(find_images(tmp_path / "in").listed, 1, tmp_path / "data").notes for _ in range(2)]
    assert told[0] == told[1]
    assert "dark.png: its values lie from 900 to 900" in told[0][0]


def test_grey_and_colour_are_kept_apart(folder, tmp_path):
    listed = find_images(folder).listed
    grey, colour = (decode(listed, channels, tmp_path / "data").pictures for channels in (1, 3))
    assert torch.equal(colour.picture(4), grey.picture(4).expand(3, -1, -1))


def test_a_full_disk_is_said_in_a_paragraph(folder, tmp_path, monkeypatch):
    def full(file):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("daecore.data.picture_store._sync", full)
    with pytest.raises(DataError, match=r"cannot be written to .*No space left on device.*Make room"):
        decode(find_images(folder).listed, 1, tmp_path / "data")
    monkeypatch.undo()
    assert len(decode(find_images(folder).listed, 1, tmp_path / "data").pictures) == 30
