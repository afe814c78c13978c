"""Store: where everything a user makes lies on disk, and the environment Prefect and MLflow start in.

Knows folders and locks. Imports neither Prefect nor MLflow: both read their settings when they are
imported, so `Store.enter` must come first.
"""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from .studio.record import running

STORE, DATA = "DAE_STORE", "DAE_DATA"


@dataclass(frozen=True)
class Store:
    """One store: database, artifacts, checkpoints, results of stages, Prefect's home, locks; and the data folder."""

    root: Path
    data: Path

    @property
    def database(self) -> Path:
        """MLflow's SQLite file."""
        return self.root / "mlflow.db"

    @property
    def artifacts(self) -> Path:
        """What MLflow keeps beside its database."""
        return self.root / "artifacts"

    @property
    def results(self) -> Path:
        """Files that stages leave for later stages, a folder per stage key."""
        return self.root / "results"

    @property
    def prefect(self) -> Path:
        """Prefect's home: its database and the cached results."""
        return self.root / "prefect"

    def checkpoint(self, key: str) -> Path:
        """The checkpoint of one training."""
        return self.root / "checkpoints" / f"{key}.safetensors"

    def enter(self) -> None:
        """Create the folders and point Prefect and MLflow at them, for this process and its children.

        Raises:
            StoreError: The store cannot be written.
        """
        try:
            for folder in (self.artifacts, self.results, self.prefect, self.root / "checkpoints", self.root / "locks"):
                folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.root):
                pass
        except OSError as error:
            from daecore.errors import StoreError

            raise StoreError(
                f"The store {self.root} cannot be written ({error.strerror or error}). Choose another folder with "
                "--store DIR or DAE_STORE, or mend its permissions."
            ) from None
        os.environ.update(self.environment())
        os.environ.setdefault("PREFECT_LOGGING_LEVEL", "WARNING")

    def environment(self) -> dict[str, str]:
        """The variables under which Prefect and MLflow keep to this store and do not call home.

        While a studio is up on the store, its servers are the ones to talk to.
        """
        studio = running(self.root)
        pages = {"PREFECT_API_URL": studio.api} if studio else {}
        tracking = studio.mlflow if studio else f"sqlite:///{self.database}"
        return pages | {
            STORE: str(self.root),
            DATA: str(self.data),
            "PREFECT_HOME": str(self.prefect),
            "PREFECT_LOCAL_STORAGE_PATH": str(self.prefect / "storage"),
            "PREFECT_LOGGING_EXTRA_LOGGERS": "daecore",
            "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "DO_NOT_TRACK": "1",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "MLFLOW_LOGGING_LEVEL": "WARNING",
            "MLFLOW_TRACKING_URI": os.environ.get("DAE_MLFLOW_URI", tracking),
        }

    @contextmanager
    def lock(self, name: str) -> Iterator[bool]:
        """Hold a named lock, waiting for whoever holds it; yields whether there was a wait.

        The kernel releases it when its process dies, however it dies.
        """
        lock = FileLock(self.root / "locks" / f"{name}.lock")
        try:
            lock.acquire(timeout=0)
            waited = False
        except Timeout:
            waited = True
            _say_who_waits(name)
            lock.acquire()
        try:
            yield waited
        finally:
            lock.release()


def current_store() -> Store:
    """The store of this process: ``DAE_STORE`` and ``DAE_DATA``, else ``./mlruns`` and the user's cache folder."""
    root = os.environ.get(STORE) or "mlruns"
    data = os.environ.get(DATA) or "~/.cache/daecore"
    return Store(Path(root).expanduser().resolve(), Path(data).expanduser().resolve())


def file_digest(path: Path) -> str:
    """SHA-256 of a file, or an empty string where there is none."""
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write a file whole or not at all."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)
    os.chmod(temporary, 0o644)
    os.replace(temporary, path)


def _say_who_waits(name: str) -> None:
    import logging

    logging.getLogger("daecore").warning("another process holds %s; waiting for it", name)
