"""Store: where everything a user makes lies; `entering` is how a process comes to work in it.

Knows folders and locks, and whether other machines share them. Imports neither Prefect nor MLflow: both read their
settings when they are imported, so `Store.enter` must come first.
"""

import os
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .entering import enter
from .environment import DATA, ENTERED, STORE, environment
from .locks import FolderLock, StoreLock, hold
from .own_files import OwnFiles, StoreFiles
from .shared.remembered import find_location

if TYPE_CHECKING:
    from .shared.location import SharedLocation


@dataclass(frozen=True)
class Store:
    """One store: database, artifacts, checkpoints, results of stages, Prefect's home, locks; and the data folder.

    Attributes:
        root: Its folder on this machine.
        data: The data folder.
        shared: Where its database and files lie if it is shared; None for a store of its own.
    """

    root: Path
    data: Path
    shared: "SharedLocation | None" = None

    @property
    def database(self) -> Path:
        """MLflow's SQLite file, in a store of its own."""
        return self.root / "mlflow.db"

    @property
    def tracking_uri(self) -> str:
        """The database as MLflow names it."""
        return self.shared.tracking_uri if self.shared else f"sqlite:///{self.database}"

    @property
    def artifacts(self) -> Path:
        """What MLflow keeps beside its database; in a shared store, what of it was needed here."""
        return self.root / "artifacts"

    @property
    def artifacts_url(self) -> str:
        """The same as MLflow names it."""
        return f"{self.shared.artifacts_url}/artifacts" if self.shared else self.artifacts.as_uri()

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

    @property
    def checkpoints(self) -> Path:
        """The checkpoints of trainings that are under way, or were stopped."""
        return self.root / "checkpoints"

    def checkpoint(self, key: str) -> Path:
        """The checkpoint of one training."""
        return self.checkpoints / f"{key}.safetensors"

    @property
    def folders(self) -> list[Path]:
        """Those that are always there."""
        return [self.artifacts, self.results, self.prefect, self.checkpoints, self.root / "locks"]

    @property
    def is_there(self) -> bool:
        """Whether somebody has used it before.

        Raises:
            StoreError: It is shared, and its database cannot be reached.
        """
        if self.shared is None:
            return self.database.is_file()
        from .shared.database import is_made

        return is_made(self.shared)

    @property
    def files(self) -> StoreFiles:
        """What is done with its files, which other machines may share."""
        if self.shared is None:
            return OwnFiles()
        from .shared.files import SharedFiles

        return SharedFiles(self.root, self.shared.objects)

    def enter(self, *, prefect: bool = True) -> None:
        """Create the folders and point Prefect and MLflow at them, for this process and its children.

        Args:
            prefect: Whether Prefect is ours, too; inside a flow of somebody else's server it is not.

        Raises:
            StoreError: The store cannot be named or written, belongs to another user, or was made by another version;
                or it is shared, and its database cannot be reached.
        """
        enter(self, prefect=prefect)

    def enter_within_a_flow(self) -> None:
        """Enter, unless this process has: a worker of a work pool, or a Python program, has called a flow.

        Raises:
            StoreError: As `enter`.
        """
        if os.environ.get(ENTERED) != str(self.root):
            self.enter(prefect=False)

    def environment(self) -> dict[str, str]:
        """The variables under which Prefect and MLflow keep to this store and do not call home."""
        return environment(self)

    def lock_named(self, name: str, *, shared: bool = False) -> StoreLock:
        """A lock under a name, not taken yet; it is freed when its process dies, however it dies.

        Args:
            name: The lock's.
            shared: Whether others may hold it so as well.
        """
        if self.shared is None:
            return FolderLock(self.root / "locks" / f"{name}.lock", shared=shared)
        from .shared.advisory_lock import AdvisoryLock

        return AdvisoryLock(self.shared, name, shared=shared)

    def lock(self, name: str) -> AbstractContextManager[bool]:
        """Hold a named lock, waiting for whoever holds it; yields whether there was a wait."""
        return hold(self.lock_named(name), name)


def current_store() -> Store:
    """The store of this process: ``DAE_STORE`` and ``DAE_DATA``, else ``./mlruns`` and the user's cache folder.

    Raises:
        StoreError: The store would lie in the working folder, which was deleted.
    """
    root = os.environ.get(STORE) or "mlruns"
    data = os.environ.get(DATA) or "~/.cache/daecore"
    try:
        folder = Path(root).expanduser().resolve()
        return Store(folder, Path(data).expanduser().resolve(), find_location(folder))
    except FileNotFoundError:
        from daecore.errors import StoreError

        raise StoreError(
            "The working folder is gone, and the store is to lie in it. Go to another folder, or name the whole path: "
            f"--store DIR or {STORE}."
        ) from None
