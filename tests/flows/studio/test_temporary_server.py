"""The server of one command: its address, its failure as one paragraph, and its end with the command."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from daecore_flows.store.server_address import MARK, URL, pages
from daecore_flows.studio import temporary_server
from daecore_flows.studio.temporary_server import TemporaryServer

from daecore.errors import StoreError


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """No server is named, as where a command begins."""
    monkeypatch.delenv(URL, raising=False)
    monkeypatch.delenv(MARK, raising=False)
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    yield
    for name in (URL, MARK):
        os.environ.pop(name, None)


def fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str) -> None:
    """In place of Python, a shell script."""
    path = tmp_path / "python"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(path))


def test_one_that_cannot_start_says_why_and_where(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In one paragraph, with the last line that it printed."""
    fake(monkeypatch, tmp_path, "echo first; echo 'disk is full' >&2; exit 1")
    server = TemporaryServer()
    with pytest.raises(StoreError, match=r"did not start \(disk is full\).*dae doctor") as error:
        server.wait()
    assert str(tmp_path) in str(error.value)


def test_one_that_takes_too_long_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nobody waits for ever, and `end` ends even what does not listen."""
    fake(monkeypatch, tmp_path, "exec sleep 60")
    monkeypatch.setattr(temporary_server, "PATIENCE_SECONDS", 0.1)
    server = TemporaryServer()
    with pytest.raises(StoreError, match="took more than"):
        server.wait()
    server.end()
    server.end()
    assert server._process.poll() is not None


def test_this_process_and_its_children_find_it_and_no_page_links_to_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It is gone before anybody could follow the link."""
    fake(monkeypatch, tmp_path, "exec sleep 60")
    server = TemporaryServer()
    assert os.environ[URL] == server.url
    assert pages() == ""
    server.end()
    assert URL not in os.environ


def test_where_a_server_is_named_none_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """A studio's, or the user's own; its pages are linked to."""
    monkeypatch.setenv(URL, "http://127.0.0.1:4200/api")
    monkeypatch.delitem(sys.modules, "prefect", raising=False)
    assert temporary_server.begin() is None
    assert pages() == "http://127.0.0.1:4200"


LATE = """
from daecore_flows.store.store import current_store
current_store().enter()
from prefect.client.orchestration import get_client
from daecore_flows.studio.temporary_server import serving
with serving(), get_client(sync_client=True) as client:
    print(client.hello().status_code)
try:
    get_client(sync_client=True)
except ValueError as error:
    print("No Prefect API URL" in str(error))
"""


@pytest.mark.long
def test_prefect_is_told_where_it_has_read_its_settings_before(tmp_path: Path) -> None:
    """And it starts no server of its own: that would have no guard."""
    environment = {**os.environ, "DAE_STORE": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-P", "-c", LATE], env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == ["200", "True"], done.stderr


SCRIPT = """
import os, time
from daecore_flows.store.store import current_store
current_store().enter()
from daecore_flows.studio.temporary_server import begin
server = begin()
server.wait()
from prefect.client.orchestration import get_client
with get_client(sync_client=True) as client:
    try:
        print(client.api_url, client.hello().status_code, server._process.pid, flush=True)
        time.sleep(600)
    except KeyboardInterrupt:
        time.sleep(2)
        print(client.hello().status_code, flush=True)
"""


@contextmanager
def command(store: Path) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """A command with a server, in a terminal of its own; and the first line it prints: address, status, server."""
    environment = {**os.environ, "DAE_STORE": str(store)}
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT], env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        yield process, line(process).split()
        process.kill()


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


@pytest.mark.long
def test_ctrl_c_does_not_reach_it_and_it_ends_with_its_command(tmp_path: Path) -> None:
    """A terminal interrupts all processes of its group; this one still answers, until its command is gone."""
    with command(tmp_path) as (process, (url, status, pid)):
        assert (url.startswith("http://127.0.0.1:"), status) == (True, "200")
        server = psutil.Process(int(pid))
        os.killpg(process.pid, signal.SIGINT)
        assert line(process) == "200\n"
        process.wait(60)
        server.wait(60)


@pytest.mark.long
def test_it_ends_when_its_command_is_killed(tmp_path: Path) -> None:
    with command(tmp_path) as (process, (_, _, pid)):
        server = psutil.Process(int(pid))
        process.kill()
        process.wait(60)
        server.wait(30)
