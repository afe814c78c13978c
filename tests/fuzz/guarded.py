"""Guarded: one input through one parser, under limits of time and memory, and what became of it.

The time is what the processors worked for this process, as others share them. The alarm is one that Python's own code
obeys; a library's code may not, nor what waits, and then the parent process ends this one by the clock on the wall.

Memory is the highest that this process held while it parsed (Linux keeps a high-water mark, which can be set back),
above what it held before: a limit of the address space alone would count what is reserved and never used, and PyTorch
reserves gigabytes. Such a limit stands beyond, so that no input takes the machine.
"""

import resource
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fuzzed import Parser

from daecore.errors import DaecoreError

SECONDS, BYTES = 5.0, 1 << 30  # that one input may take
BEYOND = 4 * BYTES  # of the address space, above what is reserved before
LONGEST = 6000  # characters of a refusal
STATUS, MARK = Path("/proc/self/status"), Path("/proc/self/clear_refs")
OURS = ("/daecore/", "/plugins/", "/flows/")
NO_ROOM = "fit into memory"  # what a refusal says where memory was asked for in vain

Kind = Literal["accepted", "refused", "escaped", "slow", "large", "unreadable", "died"]
FINDINGS: tuple[Kind, ...] = ("escaped", "slow", "large", "unreadable", "died")


class TooSlow(BaseException):
    """The time is over; no `except Exception` keeps it."""


@dataclass(frozen=True)
class Outcome:
    """What became of an input.

    Attributes:
        kind: Accepted, refused in a sentence, or how it broke the parser.
        said: The sentence, or the error.
        where: The innermost line of ours that an escaped error came through.
        seconds: It took.
        bytes: Of memory, above what was held before.
    """

    kind: Kind
    said: str
    where: str
    seconds: float
    bytes: int


def limit_memory() -> None:
    """Limit this process's address space and its files; for its life."""
    most = _status("VmSize") + BEYOND
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_FSIZE, (BYTES, BYTES))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)


def attempt(parser: Parser, content: bytes, room: Path, *, seconds: float = SECONDS) -> Outcome:
    """Hand an input to a parser."""
    MARK.write_text("5")  # sets the high-water mark back (proc(5))
    before, began = _status("VmHWM"), time.process_time()
    kind, said, where = _parse(parser, content, room, seconds)
    took, held = time.process_time() - began, _status("VmHWM") - before
    if took > seconds:
        kind = "slow"
    elif held > BYTES or NO_ROOM in said:
        kind = "large"
    return Outcome(kind, said, where, took, held)


def _parse(parser: Parser, content: bytes, room: Path, seconds: float) -> tuple[Kind, str, str]:
    try:
        with _alarm(seconds):
            found = parser.parse(content, room)
    except DaecoreError as error:
        return ("refused" if _is_readable(str(error)) else "unreadable"), str(error), _where(error)
    except TooSlow as error:
        return "slow", f"more than {seconds} s", _where(error)
    except MemoryError as error:
        return "large", "MemoryError", _where(error)
    except Exception as error:
        return "escaped", f"{type(error).__name__}: {error}"[:LONGEST], _where(error)
    return ("refused" if found is None or found is False else "accepted"), "", ""


def _is_readable(said: str) -> bool:
    """Whether a message is a paragraph that a terminal can be given."""
    plain = all(letter.isprintable() or letter == "\n" for letter in said)
    return bool(said.strip()) and len(said) <= LONGEST and plain


def _where(error: BaseException) -> str:
    while error.__context__ is not None and NO_ROOM in str(error):  # where memory was asked for
        error = error.__context__
    frames = traceback.extract_tb(error.__traceback__)
    ours = [
        frame for frame in frames if any(part in frame.filename for part in OURS) and "/.venv/" not in frame.filename
    ]
    last = [*frames, *ours][-1]
    return f"{'/'.join(Path(last.filename).parts[-3:])}:{last.lineno}"


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    def stop(*signalled: object) -> None:
        raise TooSlow

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _status(name: str) -> int:
    """A line of Linux's account of this process, in bytes."""
    for line in STATUS.read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise OSError(f"{STATUS} has no {name} on {sys.platform}: memory cannot be measured here")
