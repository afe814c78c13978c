"""The machine's locks: a file per core and per GPU that all stores and all users share, freed by the kernel.

Who would get in another's way waits for him, whoever started it. Knows files. Does not know what is computed.
"""

import fcntl
import logging
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import psutil

LOCKS = "DAE_LOCKS"  # another folder, for machines that share a folder and no cores
FOLDERS = (Path("/run/lock"), Path("/tmp"))  # the first one that is everybody's
EVERYBODY_S = stat.S_ISVTX | stat.S_IWOTH
OPEN = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | getattr(os, "O_NOFOLLOW", 0)
LOCKTABLE = Path("/proc/locks")

log = logging.getLogger("daecore.progress")  # heard whatever level libraries give the root
_told: set[str] = set()


class Lock:
    """A lock that any process of the machine may hold, under a name.

    The file is opened for reading alone and nothing in it is believed; a link in its place is not followed.

    Raises:
        OSError: It cannot be opened, or is no plain file.
    """

    def __init__(self, name: str) -> None:
        self.path = folder() / f"daecore-{name}.lock"
        self._file = _open(self.path)

    def take(self) -> bool:
        """Whether it was free, and is held now."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def release(self) -> None:
        """Let others hold it."""
        fcntl.flock(self._file, fcntl.LOCK_UN)

    def free(self) -> bool:
        """Whether nobody holds it."""
        if taken := self.take():
            self.release()
        return taken

    def close(self) -> None:
        """Give it up for good."""
        os.close(self._file)


def folder() -> Path:
    """Where the locks lie: where everybody may write, and nobody may replace what is another's."""
    if named := os.environ.get(LOCKS):
        return Path(named).expanduser().absolute()
    return next((path for path in FOLDERS if _everybody_s(path)), FOLDERS[-1])


@contextmanager
def locks(names: Iterable[str]) -> Iterator[list[Lock]]:
    """Locks by their names, given up at the end; none, and a warning, where one of them cannot be opened."""
    with ExitStack() as ours:
        try:
            found = [ours.enter_context(closing(Lock(name))) for name in names]
        except OSError as error:
            _tell_once(
                f"the lock {error.filename} cannot be opened ({error.strerror}): this computes beside whatever else "
                f"does, and both may be slow. Let its owner remove it, or name another folder, with {LOCKS}=DIR, for "
                "all who compute on this machine."
            )
            found = []
        yield found


def holders(paths: Iterable[Path]) -> str:
    """Who holds these locks, for people: ``process 123 (alice)``; empty where the kernel does not say."""
    wanted = {path.stat().st_ino for path in paths if path.exists()}
    try:
        lines = [line.split() for line in LOCKTABLE.read_text().splitlines()]
    except OSError:
        return ""
    # "1: FLOCK ADVISORY WRITE 4711 08:01:1234 0 EOF"; who waits has "->" in the second place
    found = {int(line[4]) for line in lines if line[1] == "FLOCK" and int(line[5].rpartition(":")[2]) in wanted}
    return ", ".join(_process(pid) for pid in sorted(found - {os.getpid(), 0}))


def _process(pid: int) -> str:
    try:
        return f"process {pid} ({psutil.Process(pid).username()})"
    except psutil.Error:
        return f"process {pid}"


def _open(path: Path) -> int:
    """The file, made where it is not there yet.

    Once it is there it is opened without O_CREAT, which Linux denies in /tmp for what is another user's.
    """
    try:
        file = os.open(path, OPEN)
    except FileNotFoundError:
        try:
            file = os.open(path, OPEN | os.O_CREAT | os.O_EXCL, 0o644)
            os.fchmod(file, 0o644)  # whatever the umask says: others are to open it, too
        except FileExistsError:  # somebody was faster
            file = os.open(path, OPEN)
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise OSError(0, "it is no plain file", str(path))
    return file


def _everybody_s(path: Path) -> bool:
    try:
        return path.stat().st_mode & EVERYBODY_S == EVERYBODY_S
    except OSError:
        return False


def _tell_once(message: str) -> None:
    if message not in _told:
        _told.add(message)
        log.warning("%s", message)
