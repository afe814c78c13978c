"""Paths that users write: where they lead, or a sentence."""

from pathlib import Path

import pytest

from daecore import user_path
from daecore.errors import InputError


def test_a_path_is_absolute_and_its_links_are_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What begins with a tilde lies in the user's home; nothing need be there."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    assert user_path("link/new", "x") == user_path("~/link/new", "x") == (tmp_path / "real" / "new").resolve()


@pytest.mark.parametrize("text", ["~nobody-of-this-name/x", "round", "with\0nul", "x" * 5000])
def test_what_no_file_can_be_called_is_refused_in_a_sentence(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A user that is not there, links in a circle, a NUL, too many characters."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "round").symlink_to("round")
    with pytest.raises(InputError, match=r"image_folder.path is '.*which is no path on this machine: .*Write another"):
        user_path(text, "image_folder.path")
