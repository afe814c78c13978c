"""A dataset in chunks, as `dae data pack` makes them: in a folder, or in object storage.

Knows its option. How chunks are fetched and kept is `daecore.data`'s affair.
"""

from pathlib import Path

from pydantic import Field

from daecore import Dataset, Options, Splits, hookimpl
from daecore.data import ChunkStorage, Header, open_packed, read_header


class Packed(Options):
    """Any dataset that `dae data pack` has written: each chunk is fetched when it is first needed, and kept."""

    url: str = Field(
        default="",
        description="a folder, or s3://bucket/name, gs://, az://, https://",
        json_schema_extra={"pattern": "^(?!.*://.*@)"},  # a form is refused before Prefect keeps what may be a password
    )


def packed(options: Packed, *, cache: Path) -> Splits:
    """Open the dataset: its samples, types, labels and order are those that were packed.

    Raises:
        InputError: No address is given, or the extra ``chunks`` is not installed.
        DataError: There is no packed dataset, or it cannot be reached.
    """
    return open_packed(_storage(options), cache)


def _storage(options: Packed) -> ChunkStorage:
    return ChunkStorage.at(options.url, "The option url of the dataset packed")


def _header(options: Packed) -> Header:
    return read_header(_storage(options))


@hookimpl
def register_datasets() -> list[Dataset]:
    """Ship `packed`."""
    return [
        Dataset(
            name="packed",
            options=Packed,
            function=packed,
            shapes="any",
            bounded=lambda options: _header(options).bounded,
            sample_shape=lambda options: _header(options).train.shape,
            classes=lambda options: _header(options).classes,
            fingerprint=lambda options: _header(options).digest,
        )
    ]
