"""Searching a folder for pictures: each once, what systems hide is none, and what was left out is told."""

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from daecore import find_images


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two pictures, one of them below."""
    root = tmp_path / "in"
    (root / "below").mkdir(parents=True)
    for name in ("a.png", "below/b.TIF"):
        (root / name).write_bytes(name.encode())
    return root


def names(folder: Path) -> list[str]:
    return [file.relative_to(folder).as_posix() for file in find_images(folder).files]


def test_all_suffixes_count_whatever_their_case(folder: Path) -> None:
    more = [
        f"c.{suffix}" for suffix in ("webp", "bmp", "ppm", "pgm", "pnm", "pbm", "jfif", "jpe", "gif", "tiff", "JPEG")
    ]
    for name in more:
        (folder / name).write_bytes(b"")
    assert names(folder) == sorted(["a.png", "below/b.TIF", *more])


def test_a_linked_folder_is_searched(folder: Path, tmp_path: Path) -> None:
    """Under the link's name."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "c.png").write_bytes(b"c")
    (folder / "link").symlink_to(tmp_path / "elsewhere")
    assert names(folder) == ["a.png", "below/b.TIF", "link/c.png"]


def test_links_back_neither_hang_nor_double(folder: Path) -> None:
    """To the folder, to its parent (whose other pictures are not meant), and to each other; own names win."""
    (folder.parent / "other.png").write_bytes(b"other")
    (folder / "0up").symlink_to(folder)
    (folder / "below" / "parent").symlink_to(folder.parent)
    (folder / "0twin").symlink_to(folder / "below")
    (folder / "0copy.png").symlink_to(folder / "a.png")
    (folder / "circle").symlink_to(folder / "circle")
    assert names(folder) == ["a.png", "below/b.TIF"]
    assert str(find_images(folder)) == (
        "2 pictures; left out 5: 4 the same file or folder again, by a link, 1 a link that leads nowhere"
    )


def test_names_and_folders_with_a_dot_in_front_are_no_pictures(folder: Path) -> None:
    (folder / ".thumbnails").mkdir()
    (folder / ".thumbnails" / "c.png").write_bytes(b"c")
    (folder / "._a.png").write_bytes(b"half of a")
    assert names(folder) == ["a.png", "below/b.TIF"]
    assert str(find_images(folder)) == "2 pictures; left out 2: 2 with a dot in front"


def test_what_was_left_out_is_told_with_its_reasons(folder: Path) -> None:
    (folder / "notes.txt").write_bytes(b"")
    (folder / "raw.CR2").write_bytes(b"")
    (folder / "gone.png").symlink_to(folder / "nowhere")
    os.mkfifo(folder / "pipe.png")
    assert str(find_images(folder)) == (
        "2 pictures; left out 4: 2 no picture by its name (.cr2, .txt), 1 a device or pipe, 1 a link that leads nowhere"
    )


def test_a_folder_that_is_skipped_is_not_spoken_of(folder: Path) -> None:
    """As the one into which pictures are restored."""
    assert str(find_images(folder, skip=folder / "below")) == "1 picture"


def test_nothing_found_is_told_with_what_was_searched_for(tmp_path: Path) -> None:
    (tmp_path / "a.heic").write_bytes(b"")
    found = find_images(tmp_path)
    assert str(found) == "no pictures; left out 1: 1 no picture by its name (.heic)"
    assert ".png, " in found.searched_for


def closed(monkeypatch: pytest.MonkeyPatch, reason: int, *names: str) -> None:
    """As a folder without the right to search it, a broken disk or a share that went away answers, for root too."""
    answered = os.stat

    def refusing(path: Any, **options: Any) -> os.stat_result:
        if Path(path).name in names and options.get("follow_symlinks", True):
            raise OSError(reason, os.strerror(reason), str(path))
        return answered(path, **options)

    monkeypatch.setattr(os, "stat", refusing)


@pytest.mark.parametrize("reason", [errno.EACCES, errno.EIO, errno.ESTALE])
def test_what_may_not_be_read_stops_no_search(folder: Path, monkeypatch: pytest.MonkeyPatch, reason: int) -> None:
    """A link into a closed folder, a file and a folder of their own: each counts once, the others are found."""
    (folder / "into").symlink_to(folder.parent / "closed" / "secret.png")
    (folder / "sick.png").write_bytes(b"sick")
    (folder / "shut").mkdir()
    closed(monkeypatch, reason, "into", "sick.png", "shut")
    assert names(folder) == ["a.png", "below/b.TIF"]
    assert str(find_images(folder)) == "2 pictures; left out 3: 3 a file, folder or link that may not be read"


def test_a_link_that_no_system_follows_stops_no_search(folder: Path) -> None:
    """Its target's name is longer than a name may be."""
    (folder / "long.png").symlink_to("x" * 300)
    assert str(find_images(folder)) == "2 pictures; left out 1: 1 a file, folder or link that may not be read"


def test_a_picture_that_was_taken_away_is_left_to_its_reader(folder: Path) -> None:
    """Telling two searches apart needs no file that is gone."""
    found, below = find_images(folder), find_images(folder / "below")
    (folder / "a.png").unlink()
    assert found.without(below).files == (folder / "a.png",)
    (folder / "below" / "b.TIF").unlink()
    assert len(found.without(below).files) == 2
