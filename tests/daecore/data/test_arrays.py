"""Arrays in a file: what was written comes back; what a file promises and does not hold takes no room."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from daecore.data import arrays
from daecore.data.arrays import load_arrays, save_arrays

WRITTEN = {
    "a": np.arange(6, dtype=np.float32).reshape(2, 3), "by columns": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "text": np.array("words"), "nothing": np.empty((0, 3), np.int64), "number": np.array(3),
}  # fmt: skip


def test_arrays_come_back_as_numpy_reads_them(tmp_path: Path) -> None:
    """Their types, shapes and values; and they may be written to."""
    save_arrays(tmp_path / "file", WRITTEN)
    found = load_arrays(tmp_path / "file")
    with np.load(tmp_path / "file") as theirs:
        for name, array in WRITTEN.items():
            assert (found[name].dtype, found[name].shape) == (theirs[name].dtype, theirs[name].shape)
            assert np.array_equal(found[name], array)
    found["a"][0] = 7


def entry(header: bytes, values: bytes = b"") -> bytes:
    """An archive of one array with this header."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.npy", b"\x93NUMPY\x01\x00\x76\x00" + header.ljust(117) + b"\n" + values)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (entry(b"{'descr': '<f4', 'fortran_order': False, 'shape': (9999999999,)}"), "the shape .9999999999,. stands"),
        (entry(b"{'descr': '<f4', 'fortran_order': False, 'shape': (-1, -1)}", bytes(4)), "stands there"),
        (entry(b"{'descr': '|O', 'fortran_order': False, 'shape': ()}", bytes(8)), "no array of the type object"),
        (entry(b"{'descr': '<f4', 'fortran_order': False, 'shape': ("), "."),
        (entry(b"5"), "."),
        (b"PK\x03\x04", "no .npz of plain arrays"),
        (b"", "no .npz of plain arrays"),
    ],
    ids=["promises", "negative", "pickle", "cut off", "number", "cut", "empty"],
)
def test_what_is_no_such_file_is_a_value_error(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(ValueError, match=said):
        load_arrays(tmp_path / "file")


def test_a_file_that_unfolds_into_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand times what it takes on the disk: before anything is unfolded."""
    save_arrays(tmp_path / "file", {"zeros": np.zeros(1_000_000)})
    assert (tmp_path / "file").stat().st_size < 10_000
    monkeypatch.setattr(arrays, "MOST_BYTES", 1_000_000)
    with pytest.raises(ValueError, match="unfolds into more than 1,000,000 bytes"):
        load_arrays(tmp_path / "file")
