"""How many threads this process may compute with: what its CPUs, its control group and the environment allow."""

import math
import os
from pathlib import Path

import pytest

from daecore import processors
from daecore.processors import quota, slots, usable


@pytest.fixture(autouse=True)
def eight(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine of eight CPUs without limits."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)))
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    limited(monkeypatch, tmp_path, "0::/\n", {})


def limited(patch: pytest.MonkeyPatch, root: Path, mine: str, files: dict[str, str]) -> None:
    """What the kernel says of control groups."""
    (root / "mine").write_text(mine)
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    patch.setattr(processors.quota, "__defaults__", (root, root / "mine"))


def test_without_limits_every_cpu_it_may_run_on_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    assert usable() == 8
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {5, 3})
    assert usable() == 2
    assert slots() == ["core-3", "core-5"]  # whoever may run there knows them by the same names


@pytest.mark.parametrize(
    ("mine", "files"),
    [
        ("0::/\n", {"cpu.max": "200000 100000\n"}),  # a container with groups of its own
        ("0::/system.slice/dae.service\n", {"system.slice/dae.service/cpu.max": "200000 100000\n"}),
        ("0::/a/b\n", {"a/b/cpu.max": "max 100000\n", "a/cpu.max": "200000 100000\n"}),  # its parent has the limit
        ("3:cpuset:/\n1:cpu,cpuacct:/a\n", {"cpu/a/cpu.cfs_quota_us": "200000\n", "cpu/a/cpu.cfs_period_us": "100000"}),
        ("1:cpu:/docker/1\n", {"cpu/cpu.cfs_quota_us": "200000\n", "cpu/cpu.cfs_period_us": "100000\n"}),
        ("0::/../other\n", {"cpu.max": "200000 100000\n"}),  # its group lies outside of what it sees
        ("0::/\n", {"cpu.max": "290000 100000\n"}),  # what is left of a third one carries no thread
    ],
)  # fmt: skip
def test_a_quota_of_two_of_many_is_two(
    mine: str, files: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Of version 1 or 2, the group's own or that of one above it."""
    limited(monkeypatch, tmp_path, mine, files)
    assert usable() == 2
    assert len(slots()) == 2
    assert not any(name.startswith("core-") for name in slots())  # only those of its group share it


@pytest.mark.parametrize("text", ["max 100000\n", "-1\n", "rubbish", ""])
def test_what_is_no_limit_limits_nothing(text: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    limited(monkeypatch, tmp_path, "0::/\n1:cpu:/\n", {"cpu.max": text, "cpu/cpu.cfs_quota_us": text})
    assert quota() == (math.inf, "")
    assert usable() == 8


def test_less_than_one_cpu_is_one_thread(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    limited(monkeypatch, tmp_path, "0::/\n", {"cpu.max": "50000 100000\n"})
    assert usable() == 1


@pytest.mark.parametrize(("said", "count"), [("3", 3), ("1", 1), ("4,2", 4), ("99", 8), ("0", 8), ("many", 8), ("", 8)])
def test_omp_num_threads_is_obeyed(said: str, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """It sets a limit, as with every program that computes with OpenMP; it makes no more CPUs."""
    monkeypatch.setenv("OMP_NUM_THREADS", said)
    assert usable() == count
    assert len(slots()) == 8
