"""Which machine a run was made on: its processes are asked for there alone."""

from dataclasses import replace
from pathlib import Path

import pytest
from daecore_flows.store import host
from daecore_flows.store.host import Host, parse_host, this_host


def test_this_one_is_here() -> None:
    """And can be read again from its text."""
    assert this_host().is_here
    assert not this_host().has_restarted
    assert parse_host(str(this_host())) == this_host()


@pytest.mark.parametrize("text", ["", "laptop", "a/b/c", "a/b/c/d/e"])
def test_what_is_no_host_is_none(text: str) -> None:
    """Tags may say anything."""
    assert parse_host(text) is None


def test_a_container_on_this_machine_is_elsewhere() -> None:
    """Its processes have other numbers; it has not restarted."""
    other = replace(this_host(), namespace="4026530000")
    assert not other.is_here
    assert not other.has_restarted


def test_this_machine_before_it_was_started_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Only where something names the machine for good: two containers of one image may have one name."""
    (tmp_path / "machine-id").write_text("0123456789abcdef\n")
    monkeypatch.setattr(host, "MACHINE", tmp_path / "machine-id")
    before = replace(this_host(), boot="of yesterday")
    assert before.has_restarted
    assert not replace(before, machine="").has_restarted
    assert "0123456789" not in str(this_host())


def test_a_name_with_a_slash_stays_one_part(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever named the machine so."""
    monkeypatch.setattr(host.socket, "gethostname", lambda: "a/b")
    assert parse_host(str(this_host())) == this_host()
    assert isinstance(this_host(), Host)
