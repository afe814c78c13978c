"""Secrets that a test puts where users have them, and the search for them in whatever was kept or said.

A secret is looked for as it is, as an address or a JSON text writes it, and in base64 at each of its three places.
"""

import base64
import json
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import quote, quote_plus


class Planted:
    """Secrets by where they stand.

    Args:
        secrets: What is secret, by a name for it.
    """

    def __init__(self, secrets: Mapping[str, str]) -> None:
        self._forms = {name: frozenset(forms(secret)) for name, secret in secrets.items()}

    def in_text(self, *texts: str) -> list[str]:
        """The names of those that some texts hold."""
        return sorted({name for text in texts for name in self._in(text.encode())})

    def in_files(self, *roots: Path) -> dict[str, list[str]]:
        """The names of those that files hold, in folders or by themselves, by the file; what is zipped is unfolded."""
        found = {}
        files = [path for root in roots for path in ([root] if root.is_file() else sorted(root.rglob("*")))]
        for path in filter(Path.is_file, files):
            names = {name for content in contents(path) for name in self._in(content)}
            found |= {str(path): sorted(names)} if names else {}
        return found

    def _in(self, content: bytes) -> Iterable[str]:
        return (name for name, written in self._forms.items() if any(form in content for form in written))


def contents(path: Path) -> Iterable[bytes]:
    """A file's content and its name, and those of what is zipped in it."""
    yield str(path).encode()
    yield path.read_bytes()
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            yield from (archive.read(name) for name in archive.namelist())


def forms(secret: str) -> Iterable[bytes]:
    """How a secret may be written."""
    for text in (secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1]):
        yield text.encode()
    for before in range(3):  # of what it stands in
        code = base64.b64encode(bytes(before) + secret.encode()).decode()
        whole = code[(0, 2, 3)[before] :].rstrip("=")[: -1 - (len(secret) + before) % 3]
        yield from (whole.encode(), whole.replace("+", "-").replace("/", "_").encode())
