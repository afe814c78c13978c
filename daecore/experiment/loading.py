"""Loading: a dataset's samples by its spec; what is large is written to the data folder once, and mapped from there.

Knows dataset plugins and the data folder. Does not know runs.
"""

from collections.abc import Iterable
from functools import cache as once
from importlib.metadata import version
from pathlib import Path

from filelock import FileLock

from daecore.data.image_search import remember_searches
from daecore.data.sample_store import Piece, open_sets, pieces_of, write_pieces
from daecore.data.samples import Splits
from daecore.errors import DataError, SamplesError, quote
from daecore.plugin.extension import declared_value
from daecore.plugin.source_digest import source_digest
from daecore.plugin.spec import DatasetSpec, digest

KEPT = "sets"  # the folder within the data folder
CODE = ("daecore.data.decoding", "daecore.data.pictures", "daecore.rng")  # by which a dataset's values come about
LIBRARIES = ("torch", "numpy", "pillow", "tifffile", "imagecodecs")
LARGE_BYTES = 1 << 30  # of all samples together, from which on they are mapped


def load_splits(dataset: DatasetSpec, cache: Path, *, large: int = LARGE_BYTES, since: float = 0) -> Splits:
    """The sets of a dataset.

    What its function yields in pieces, and what takes more than ``large`` bytes of memory, is written to the data
    folder; from then on it is mapped, by all processes alike, without asking the function.

    Args:
        dataset: Which one.
        cache: The data folder.
        large: How many bytes are held in memory, at most.
        since: What was written before this time, in seconds, is made anew; it goes when the new one is whole.

    Raises:
        SamplesError: Its function gives something else than `Splits`, or `Piece`s.
        DataError: It cannot be had, or there is no room for it.
    """
    with remember_searches():
        return _load(dataset, cache, large, since)


def _load(dataset: DatasetSpec, cache: Path, large: int, since: float) -> Splits:
    folder = _folder(dataset, cache)
    kept = open_sets(folder, since)
    if kept is not None:
        return kept
    given: object = dataset.extension.function(dataset.options, cache=cache)
    if isinstance(given, Splits):
        if sum(samples.source.resident_bytes for _, samples in given.sets) <= large:
            return given
        return _keep(pieces_of(given), folder, given.classes, since)
    if not isinstance(given, Iterable):
        raise SamplesError(
            f"The dataset {dataset.name} gives daecore.Splits, or yields daecore.Piece, but {quote(given)} came."
        )
    classes = declared_value(dataset.extension.classes, dataset.options)
    return _keep(map(require_piece, given), folder, classes, since)


def renew_splits(dataset: DatasetSpec, cache: Path, since: float) -> bool:
    """Make anew what was written of a dataset before a time, in seconds; whether there was such.

    The old one goes when the new one is whole. Who has it open keeps it.
    """
    folder = _folder(dataset, cache)
    if open_sets(folder) is None or open_sets(folder, since) is not None:
        return False
    load_splits(dataset, cache, since=since)
    return True


def _folder(dataset: DatasetSpec, cache: Path) -> Path:
    return cache / KEPT / f"{dataset.name}-{_key(dataset)[:32]}"


def _keep(pieces: Iterable[Piece], folder: Path, classes: int | None, since: float) -> Splits:
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder.with_name(f".{folder.name}.lock")).acquire()
    except OSError as error:
        raise DataError(
            f"The dataset cannot be written to {folder}: {error.strerror or error}. Name another data folder, with "
            "DAE_DATA or --data, and run again."
        ) from None
    with lock:
        if open_sets(folder, since) is None:  # another process may have done it meanwhile
            write_pieces(pieces, folder, classes=classes)
    kept = open_sets(folder)
    if kept is None:
        raise SamplesError(f"What was written to {folder} cannot be read. Remove it, and run again.")
    return kept


def require_piece(given: object) -> Piece:
    """What a dataset yielded, if it is a piece.

    Raises:
        SamplesError: It is none.
    """
    if not isinstance(given, Piece):
        raise SamplesError(f"A dataset that yields gives daecore.Piece(part, samples), but {quote(given)} came.")
    return given


def _key(dataset: DatasetSpec) -> str:
    """Another one for other options, another plugin, other code of ours, or other files of the user's."""
    fingerprint = dataset.extension.fingerprint
    files = str(fingerprint(dataset.options)) if fingerprint else ""
    plugins = [part.installed.provenance.digest for part in dataset.parts]
    return digest([dataset.digest, plugins, _code(), {name: version(name) for name in LIBRARIES}, files])


@once
def _code() -> str:
    return source_digest(*CODE)
