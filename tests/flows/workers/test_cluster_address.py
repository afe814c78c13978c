"""How a cluster is named, and what is said where it is not there, before anything begins."""

import importlib.util
import socket

import pytest
from daecore_flows.cli.clusters import name_cluster
from daecore_flows.workers.cluster_address import CLUSTER, address, require_cluster

from daecore.errors import InputError


@pytest.fixture(autouse=True)
def _none_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(CLUSTER, raising=False)


@pytest.fixture
def port() -> int:
    """One on which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.mark.parametrize("scheme", ["", "ray://"])
def test_nobody_there_is_found_out_at_once(scheme: str, port: int) -> None:
    """Ray would ask for minutes."""
    with pytest.raises(InputError, match=rf"no Ray cluster at {scheme}127.0.0.1:{port} .* `ray start --head`"):
        require_cluster(f"{scheme}127.0.0.1:{port}")


@pytest.mark.parametrize("scheme", ["", "ray://"])
def test_somebody_there_is_enough(scheme: str) -> None:
    """Whether it is Ray is for Ray to say."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        require_cluster(f"{scheme}127.0.0.1:{server.getsockname()[1]}")


@pytest.mark.parametrize("wrong", ["local", "127.0.0.1", "ray://", ":10", "http://127.0.0.1", "a:b", "127.0.0.1:99999"])
def test_what_is_no_address_is_refused(wrong: str) -> None:
    """The message names what came."""
    with pytest.raises(InputError, match="cluster"):
        require_cluster(wrong)


def test_without_ray_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only who names a cluster needs it."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install 'daecore\[cluster\]'"):
        require_cluster("auto")


def test_the_option_holds_before_the_environment(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    """And what is in the environment alone is looked at, too."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        there = f"127.0.0.1:{server.getsockname()[1]}"
        monkeypatch.setenv(CLUSTER, f"127.0.0.1:{port}")
        name_cluster(there)
        assert address() == there
    monkeypatch.setenv(CLUSTER, f"127.0.0.1:{port}")
    with pytest.raises(InputError, match=str(port)):
        name_cluster(None)
