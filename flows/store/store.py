"""Store: where everything a user makes lies on disk, and the environment Prefect and MLflow start in.

Knows folders and locks. Imports neither Prefect nor MLflow: both read their settings when they are
imported, so `Store.enter` must come first.
"""

import importlib.util
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from .files import write_atomically
from .full_disk import keep_reserve
from .layout import FILE, LAYOUT, require_layout
from .network import reach_this_machine
from .studio_record import running

STORE, DATA = "DAE_STORE", "DAE_DATA"
ENTERED = "DAE_ENTERED"  # in the environment: the store that this process, or the one that began it, has entered
COMPILED = Path("~/.cache/daecore/compiled")  # code: by itself torch keeps it where another user may have been before
PRIVATE_FOLDER, OTHERS = 0o700, 0o077  # what a folder of its user's alone allows; what it does not


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
    def studies(self) -> Path:
        """The galleries of series of studies."""
        return self.root / "studies"

    @property
    def prefect(self) -> Path:
        """Prefect's home: its database and the cached results."""
        return self.root / "prefect"

    @property
    def cached_results(self) -> Path:
        """What Prefect keeps of stages, a file per stage key."""
        return self.prefect / "storage"

    def checkpoint(self, key: str) -> Path:
        """The checkpoint of one training."""
        return self.root / "checkpoints" / f"{key}.safetensors"

    def enter(self, *, prefect: bool = True) -> None:
        """Create the folders and point Prefect and MLflow at them, for this process and its children.

        Args:
            prefect: Whether Prefect is ours, too; inside a flow of somebody else's server it is not.

        Raises:
            StoreError: The store cannot be named or written, belongs to another user, or was made by another version.
        """
        self._refuse_unspeakable()
        self._refuse_another_user_s()
        require_layout(self.root, self.database)
        try:
            whole = not self.root.exists() or self._made_before()
            for folder in (self.root, *self._folders):
                folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
            if not (self.root / FILE).exists():
                write_atomically(self.root / FILE, f"{LAYOUT}\n")
            self.protect(whole=whole)
            with tempfile.TemporaryFile(dir=self.root):
                pass
            keep_reserve(self.root)
        except OSError as error:
            from daecore.errors import StoreError

            raise StoreError(
                f"The store {self.root} cannot be written ({error.strerror or error}). Choose another folder with "
                "--store DIR or DAE_STORE, or mend its permissions."
            ) from None
        reach_this_machine()
        found = self.environment()
        os.environ.update({name: value for name, value in found.items() if prefect or not name.startswith("PREFECT_")})
        if prefect:
            os.environ.setdefault("PREFECT_LOGGING_LEVEL", "WARNING")

    def enter_within_a_flow(self) -> None:
        """Enter, unless this process has: a worker of a work pool, or a Python program, has called a flow.

        Raises:
            StoreError: As `enter`.
        """
        if os.environ.get(ENTERED) != str(self.root):
            self.enter(prefect=False)

    @property
    def _folders(self) -> list[Path]:
        return [self.artifacts, self.results, self.prefect, *(self.root / name for name in ("checkpoints", "locks"))]

    def _refuse_unspeakable(self) -> None:
        """The databases are named by URLs, where a question mark ends the path, and nothing can stand for it."""
        if "?" in str(self.root) or not str(self.root).isprintable():
            from daecore.errors import StoreError

            raise StoreError(
                f"The store {str(self.root)!r} has a question mark or a control character in its path, which the "
                "address of a database cannot carry. Choose another folder with --store DIR or DAE_STORE."
            )

    def _refuse_another_user_s(self) -> None:
        """A store is its user's alone: who can write there could have others' commands do what he likes."""
        user = os.getuid() if hasattr(os, "getuid") else 0
        if user and self.root.exists() and self.root.stat().st_uid not in (user, 0):
            from daecore.errors import StoreError

            raise StoreError(
                f"The store {self.root} belongs to another user ({self.root.stat().st_uid}; you are {user}). Choose a "
                "folder of your own with --store DIR or DAE_STORE; a store's models can be read from anywhere."
            )

    def _made_before(self) -> bool:
        """Whether the folder is a store's, and no other folder that a store is to lie in."""
        own = {*self._own(), self.root / "recipes"}
        return self.database.exists() or (self.prefect / "prefect.db").exists() or own.issuperset(self.root.iterdir())

    def _own(self) -> Iterator[Path]:
        """What a store has made itself, at its top and in Prefect's home."""
        yield from (
            *self._folders,
            *(self.root / name for name in ("logs", "studio.json", "served.json", "reserve", FILE)),
        )
        yield from (*self.root.glob("mlflow.db*"), *self.prefect.glob("*.db*"), *(self.root / "logs").glob("*.log"))

    def protect(self, *, whole: bool = False) -> None:
        """Keep everybody but its user out of what a store has made, also where it was open before.

        Where links lead is not the store's. What belongs to somebody else, or lies on a file system without such
        rights, is left as it is; `open_to_others` tells.

        Args:
            whole: Close the folder itself, too.
        """
        for path in (*((self.root,) if whole else ()), *self._own()):
            with suppress(OSError):  # not there
                mode = path.lstat().st_mode
                if mode & OTHERS and not path.is_symlink():
                    path.chmod(mode & 0o7777 & ~OTHERS)

    @property
    def open_to_others(self) -> list[Path]:
        """What anybody but its user may enter or read."""
        if not self.root.stat().st_mode & OTHERS:
            return []  # nobody comes through
        return [path for path in self._own() if path.exists() and path.stat().st_mode & OTHERS]

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
            ENTERED: str(self.root),
            "PREFECT_HOME": str(self.prefect),
            "PREFECT_LOCAL_STORAGE_PATH": str(self.cached_results),
            "PREFECT_LOGGING_EXTRA_LOGGERS": "daecore",
            "PREFECT_PROFILES_PATH": os.environ.get("PREFECT_PROFILES_PATH", os.devnull),  # none of the store's
            "PREFECT_LOGGING_CONFIG_PATH": _logging_configuration(),
            "PREFECT_SERVER_EPHEMERAL_ENABLED": "false",  # ours has a guard: `temporary_server`
            "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": "none",  # its page has its own origin
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "DO_NOT_TRACK": "1",
            "TORCHINDUCTOR_CACHE_DIR": os.environ.get("TORCHINDUCTOR_CACHE_DIR", str(COMPILED.expanduser())),
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
    """The store of this process: ``DAE_STORE`` and ``DAE_DATA``, else ``./mlruns`` and the user's cache folder.

    Raises:
        StoreError: The store would lie in the working folder, which was deleted.
    """
    root = os.environ.get(STORE) or "mlruns"
    data = os.environ.get(DATA) or "~/.cache/daecore"
    try:
        return Store(Path(root).expanduser().resolve(), Path(data).expanduser().resolve())
    except FileNotFoundError:
        from daecore.errors import StoreError

        raise StoreError(
            "The working folder is gone, and the store is to lie in it. Go to another folder, or name the whole path: "
            f"--store DIR or {STORE}."
        ) from None


def _logging_configuration() -> str:
    """What the user names, else Prefect's own; never a file of a store, which may be another person's."""
    named = os.environ.get("PREFECT_LOGGING_CONFIG_PATH") or os.environ.get("PREFECT_LOGGING_SETTINGS_PATH")
    prefect = importlib.util.find_spec("prefect")
    folder = prefect.submodule_search_locations if prefect else None
    return named or str(Path(folder[0] if folder else os.devnull, "logging", "logging.yml"))


def _say_who_waits(name: str) -> None:
    import logging

    logging.getLogger("daecore.progress").warning("another process holds %s; waiting for it", name)
