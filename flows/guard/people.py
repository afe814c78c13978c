"""People: who may ask from another machine, by a name and a password of which only a digest is kept.

Knows one JSON file. A password is turned into its digest by scrypt (RFC 7914), which takes a tenth of a second and
16 MB on purpose.
"""

import fcntl
import hashlib
import hmac
import json
import os
import re
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")  # no colon: it ends the name in HTTP's Basic
KEPT = re.compile(r"scrypt\$[0-9a-f]{32}\$[0-9a-f]{64}")
SHORTEST, LONGEST = 12, 1000  # characters of a password
COST, BLOCK, PARALLEL = 2**14, 8, 1
DECOY = "scrypt$00000000000000000000000000000000$" + 64 * "0"  # nobody's: who is not there takes as long as who is


class People:
    """The people of a file, as it says at each moment.

    Args:
        path: The file; none yet is nobody.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def names(self) -> list[str]:
        """All of them, in order.

        Raises:
            ValueError: The file was damaged.
        """
        return sorted(self._read())

    def put(self, name: str, password: str) -> None:
        """Let somebody in, or give him another password.

        Raises:
            ValueError: A name or a password that cannot be one, in a sentence; or the file was damaged.
        """
        if not NAME.fullmatch(name):
            raise ValueError("A name has letters, digits, '.', '_' and '-', and at most 64 of them")
        if not SHORTEST <= len(password) <= LONGEST or not password.isprintable():
            raise ValueError(f"A password has {SHORTEST} characters at least, and none that cannot be seen")
        salt = secrets.token_hex(16)
        with self._changed() as known:
            known[name] = f"scrypt${salt}${_digest(password, salt)}"

    def remove(self, name: str) -> bool:
        """Let somebody in no more; whether he was let in before.

        Raises:
            ValueError: The file was damaged.
        """
        if name not in self._read():
            return False
        with self._changed() as known:
            return known.pop(name, None) is not None

    def admits(self, name: str, password: str) -> bool:
        """Whether this is somebody, by his own password; nobody is where the file cannot be read."""
        try:
            kept = self._read().get(name, DECOY)
        except ValueError:
            kept = DECOY
        _, salt, digest = kept.split("$")
        return len(password) <= LONGEST and hmac.compare_digest(_digest(password, salt), digest)

    @property
    def state(self) -> tuple[int, int]:
        """Another one whenever the file was written."""
        try:
            found = self.path.stat()
        except OSError:
            return 0, 0
        return found.st_mtime_ns, found.st_ino

    def _read(self) -> dict[str, str]:
        try:
            found = json.loads(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, RecursionError):
            found = None
        whole = isinstance(found, dict) and all(NAME.fullmatch(it) and KEPT.fullmatch(str(found[it])) for it in found)
        if not whole:
            raise ValueError(f"{self.path} does not hold what `dae people` writes; remove it, and add everybody again")
        return dict(found)

    @contextmanager
    def _changed(self) -> Iterator[dict[str, str]]:
        """A block that changes who is known; of two at once the second waits."""
        with self.path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            known = self._read()
            yield known
            self._write(known)

    def _write(self, known: dict[str, str]) -> None:
        handle, temporary = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}.")  # its user's alone
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(known, file, indent=2)
            os.replace(temporary, self.path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise


def _digest(password: str, salt: str) -> str:
    made = hashlib.scrypt(password.encode(), salt=bytes.fromhex(salt), n=COST, r=BLOCK, p=PARALLEL, dklen=32)
    return made.hex()
