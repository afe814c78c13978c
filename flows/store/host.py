"""Which machine this is, as runs say it: a process number means something on one machine, and until it restarts.

Knows what the kernel says. Does not know who else shares the store.
"""

import hashlib
import socket
from dataclasses import dataclass
from pathlib import Path

MACHINE, BOOT = Path("/etc/machine-id"), Path("/proc/sys/kernel/random/boot_id")
NAMESPACE = Path("/proc/self/ns/pid")
DIGITS = 12


@dataclass(frozen=True)
class Host:
    """A place where processes have numbers.

    Attributes:
        name: The machine's name, for people.
        machine: What is the machine's for good, as a digest; empty where nothing is.
        boot: What is its own since it started, as a digest.
        namespace: The numbers' own name: each container has others.
    """

    name: str
    machine: str
    boot: str
    namespace: str

    def __str__(self) -> str:
        return "/".join((self.name, self.machine, self.boot, self.namespace))

    @property
    def is_here(self) -> bool:
        """Whether its numbers are those of this process."""
        return self == this_host()

    @property
    def has_restarted(self) -> bool:
        """Whether it is this machine before it was started again: no process of then lives."""
        now = this_host()
        same = bool(self.machine) and (self.name, self.machine) == (now.name, now.machine)  # images may share an id
        return same and self.boot != now.boot


def this_host() -> Host:
    """That of this process."""
    try:
        namespace = str(NAMESPACE.stat().st_ino)
    except OSError:  # no Linux
        namespace = ""
    return Host(socket.gethostname().replace("/", "-"), _digest(MACHINE), _digest(BOOT), namespace)


def parse_host(text: str) -> Host | None:
    """What `str` has made of one; None for anything else."""
    parts = text.split("/")
    return Host(*parts) if len(parts) == 4 else None


def _digest(path: Path) -> str:
    """Of a file's text, which itself is to stay on the machine; empty where there is none."""
    try:
        text = path.read_text().strip()
    except OSError:
        return ""
    return hashlib.sha256(f"daecore {text}".encode()).hexdigest()[:DIGITS] if text else ""
