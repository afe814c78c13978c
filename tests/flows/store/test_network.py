"""Behind a proxy, with certificates that are gone: clients reach this machine's servers as they are."""

import logging
import os
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import certifi
import httpx
import pytest
import requests
from daecore_flows.store.network import reach_this_machine
from daecore_flows.studio.parts import answers

ANSWER = "http://127.0.0.1:{port}/health"


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Without what this machine says of the network; put back afterwards."""
    for name in [name for name in os.environ if "proxy" in name.lower() or "CERT" in name or "CA_BUNDLE" in name]:
        monkeypatch.delenv(name)
    for name in ("NO_PROXY", "no_proxy"):  # so that what is set here is put back, too
        monkeypatch.setenv(name, "")
    return monkeypatch


@pytest.fixture
def server() -> Iterator[str]:
    """A server of this machine that answers everything."""
    from http.server import BaseHTTPRequestHandler, HTTPServer
    from threading import Thread

    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answering) as made:
        Thread(target=made.serve_forever, daemon=True).start()
        yield ANSWER.format(port=made.server_port)
        made.shutdown()


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
def test_this_machine_is_asked_without_a_proxy(name: str, environment: pytest.MonkeyPatch, server: str) -> None:
    """By Prefect's library, by MLflow's, and by our own look whether a page answers."""
    environment.setenv(name, "http://127.0.0.1:9")
    with pytest.raises((httpx.ConnectError, requests.ConnectionError)):
        httpx.get(server)
    reach_this_machine()
    assert httpx.get(server).status_code == 200
    assert requests.get(server, timeout=10).status_code == 200
    assert answers(server)


def test_our_own_look_never_takes_a_proxy(environment: pytest.MonkeyPatch, server: str) -> None:
    """Not even before the environment is as we need it."""
    environment.setenv("http_proxy", "http://127.0.0.1:9")
    assert answers(server)


def test_downloads_still_go_through_the_proxy_and_the_user_s_exceptions_stay(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    environment.setenv("NO_PROXY", "intranet.example, 10.0.0.1")
    reach_this_machine()
    reach_this_machine()
    assert urllib.request.getproxies()["https"] == "http://proxy.example:3128"
    for name in ("NO_PROXY", "no_proxy"):
        assert os.environ[name] == "intranet.example,10.0.0.1,127.0.0.1,localhost,::1"
    assert urllib.request.proxy_bypass("intranet.example")
    assert not urllib.request.proxy_bypass("github.example")


@pytest.mark.parametrize("hosts", ["*", "intranet.example, *"])
def test_who_wants_no_proxy_at_all_gets_none(hosts: str, environment: pytest.MonkeyPatch) -> None:
    """A star means every host to some libraries only where it stands alone."""
    environment.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    environment.setenv("NO_PROXY", hosts)
    reach_this_machine()
    assert os.environ["NO_PROXY"] == os.environ["no_proxy"] == "*"
    assert urllib.request.proxy_bypass("github.example")
    assert requests.utils.get_environ_proxies("https://github.example") == {}


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "SSL_CERT_DIR"])
def test_an_empty_name_of_certificates_is_none(
    name: str, environment: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As many unset a variable: nothing is told."""
    environment.setenv(name, "")
    with caplog.at_level(logging.WARNING, "daecore"):
        reach_this_machine()
    assert name not in os.environ
    assert caplog.text == ""


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "SSL_CERT_DIR"])
@pytest.mark.parametrize("there", [False, True])
def test_certificates_that_are_gone_are_left_out_and_named(
    name: str, there: bool, environment: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What is there and holds none is no better; a folder may be empty."""
    path = tmp_path / "certificates"
    if there:
        path.mkdir() if name == "SSL_CERT_DIR" else path.write_text("not one")
    environment.setenv(name, str(path))
    with caplog.at_level(logging.WARNING, "daecore"):
        reach_this_machine()
    kept = there and name == "SSL_CERT_DIR"
    assert (name in os.environ) == kept
    assert (str(path) in caplog.text) == (not kept)
    httpx.Client().close()


def test_certificates_that_are_there_stay(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("SSL_CERT_FILE", certifi.where())
    reach_this_machine()
    assert os.environ["SSL_CERT_FILE"] == certifi.where()


def test_a_kind_of_proxy_that_nobody_installed_ends_no_client(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("ALL_PROXY", "socks5h://127.0.0.1:9")
    reach_this_machine()
    httpx.Client().close()
