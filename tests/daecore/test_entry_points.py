"""Entry points: a distribution that is damaged hides itself, and no other."""

import sys
from importlib.metadata import distributions
from pathlib import Path

import pytest

from daecore.entry_points import find_points, origin_of, read_points

GROUP = "daecore.plugins"


def install(folder: Path, name: str, points: bytes, metadata: bytes = b"") -> None:
    (folder / f"{name}-1.0.dist-info").mkdir(parents=True)
    (folder / f"{name}-1.0.dist-info" / "entry_points.txt").write_bytes(points)
    (folder / f"{name}-1.0.dist-info" / "METADATA").write_bytes(metadata or f"Name: {name}\nVersion: 1.0\n".encode())


SOUND = b"[daecore.plugins]\nours = a.module\n\n[other]\nnot = ours\n"


def test_those_of_a_group_are_found_with_their_origin(tmp_path: Path) -> None:
    install(tmp_path, "sound", SOUND)
    (point,) = read_points(distributions(path=[str(tmp_path)]), GROUP).points
    assert (point.name, point.value, origin_of(point)) == ("ours", "a.module", ("sound", "1.0"))


@pytest.mark.parametrize(
    "points", [b"[daecore.plugins]\nx = \xff\n", b"[daecore.plugins]\nx\n"], ids=["no UTF-8", "no value"]
)
def test_a_damaged_one_is_told_and_hides_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, points: bytes
) -> None:
    """Python's own list ends with it, and every command did."""
    install(tmp_path, "sound", SOUND)
    install(tmp_path, "damaged", points)
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    found = find_points(GROUP)
    assert [point.name for point in found.points] == ["ours"]
    (said,) = found.damaged
    assert "damaged-1.0.dist-info cannot be read" in said


def test_one_that_does_not_say_who_it_is_is_unknown(tmp_path: Path) -> None:
    install(tmp_path, "nameless", SOUND, b"Metadata-Version: 2.1\n")
    install(tmp_path, "unreadable", SOUND, b"Name: \xff\n")
    found = read_points(distributions(path=[str(tmp_path)]), GROUP).points
    assert {origin_of(point)[0] for point in found} == {"unknown"}
