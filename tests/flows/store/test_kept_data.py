"""What the data folder keeps to be mapped: listed with its size, and freed when nobody has used it for a month."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from daecore_flows.cli.folders import DEFAULT_DATA
from daecore_flows.store.environment import DATA
from daecore_flows.store.kept_data import KEPT, OF, kept_data, unused_data

from daecore.data import decoding, durable, own_samples, unpacking
from daecore.data.durable import say_of
from daecore.experiment import loading


def test_what_nobody_has_used_for_a_month_may_go(tmp_path: Path) -> None:
    """With what a killed process has left; downloads stay."""
    for name in ("decoded/abc", "sets/many-1", "sets/.many-2.part", "mnist/raw"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "values").write_bytes(bytes(100))
    (tmp_path / "sets" / ".many-1.lock").write_bytes(b"")
    old = (datetime.now(UTC) - timedelta(days=40)).timestamp()
    for name in ("decoded/abc", "sets/.many-2.part", "mnist/raw"):
        os.utime(tmp_path / name, (old, old))
    assert {it.title: it.bytes for it in kept_data(tmp_path)} == {
        "sets many-1": 100,
        "sets .many-2.part": 100,
        "decoded pictures abc": 100,
    }
    assert {path.name for path in unused_data(tmp_path)} == {"abc", ".many-2.part"}
    assert kept_data(tmp_path / "nowhere") == []


def test_what_is_kept_is_called_as_those_who_keep_it_call_it() -> None:
    """Listing and cleaning up load no PyTorch, and so have the names written out."""
    assert {decoding.KEPT, loading.KEPT, unpacking.KEPT} == KEPT.keys()
    assert OF == durable.OF
    assert (DATA, str(DEFAULT_DATA)) == (own_samples.DATA, own_samples.DEFAULT)


def test_what_it_was_made_of_is_told(tmp_path: Path) -> None:
    """Folders are called by a digest, which tells nobody anything."""
    for name, of in (("chunks", "s3://bucket/digits"), ("decoded", "/home/anna/photos\x1b[2J")):
        (tmp_path / name / "0123").mkdir(parents=True)
        say_of(tmp_path / name / "0123", of)
        say_of(tmp_path / name / "0123", "another place")
    assert {it.title for it in kept_data(tmp_path)} == {
        "chunks of s3://bucket/digits", "decoded pictures of /home/anna/photos\\x1b[2J",
    }  # fmt: skip
