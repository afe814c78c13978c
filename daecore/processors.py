"""Processors: how many threads this process may compute with: its CPUs, its control group's quota, `OMP_NUM_THREADS`.

Knows what the kernel and the environment say. Does not know what is computed, nor who else computes.
"""

import math
import os
from collections.abc import Iterator
from pathlib import Path

GROUPS, MINE = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")


def usable() -> int:
    """How many threads this process computes with at most: as many as its cores, or fewer by `OMP_NUM_THREADS`."""
    asked = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()  # a list is one number a level of nesting
    cores = len(slots())
    return min(cores, int(asked)) if asked.isdecimal() and int(asked) else cores


def slots() -> list[str]:
    """The cores that this process shares with others, by a name that all of them know.

    They are the CPUs that it may run on; where its control group gets less than these, shares of that group.
    """
    cpus = sorted(os.sched_getaffinity(0))
    allowed, group = quota()
    if allowed >= len(cpus):
        return [f"core-{cpu}" for cpu in cpus]
    # What is left of a share cannot carry a thread that others wait for.
    return [f"group{group.replace('/', '-')}-{number}" for number in range(max(1, math.floor(allowed)))]


def quota(groups: Path = GROUPS, mine: Path = MINE) -> tuple[float, str]:
    """How many CPUs' time the control groups of this process allow, and the path of the one that allows the least.

    joblib's count looks at the root of the hierarchy alone, which is a container's own group, but not a service's.

    Args:
        groups: Where the hierarchies are mounted, version 1 or 2.
        mine: Which groups this process is in, as the kernel says.
    """
    limits = [(math.inf, "")]
    try:
        lines = mine.read_text().splitlines()
    except OSError:  # no Linux, or no /proc
        lines = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        tops = [groups / "cpu", groups / controllers] if controllers else [groups, groups / "unified"]
        limits += [(_limit(top / group), group) for top in tops for group in _upwards(path)]
    return min(limits)


def _upwards(path: str) -> Iterator[str]:
    """A group and those above it; inside a container some of them are not there."""
    parts = [part for part in path.split("/") if part not in ("", "..")]
    for count in range(len(parts), -1, -1):
        yield "/".join(parts[:count])


def _limit(group: Path) -> float:
    """The CPUs' time that one group is given; infinity where it has no limit, or is not there."""
    try:
        if (group / "cpu.max").exists():
            share, period = (group / "cpu.max").read_text().split()
        else:
            share, period = ((group / name).read_text().strip() for name in ("cpu.cfs_quota_us", "cpu.cfs_period_us"))
        return int(share) / int(period) if share.isdecimal() and int(share) else math.inf
    except (OSError, ValueError):
        return math.inf
