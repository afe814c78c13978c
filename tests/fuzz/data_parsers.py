"""Parsers of what a data folder holds or gets: archives, decoded pictures, sets, packed datasets, plugins' metadata."""

import gzip
import hashlib
import io
import shutil
import tarfile
from importlib.metadata import PathDistribution
from pathlib import Path

import many_files
import numpy as np
import torch
from fuzzed import LARGEST, Parser, given
from repairs import repair_gzip, repair_rows

from daecore import ExpectedFile, Source, fetch_files, local_folder
from daecore.data import ChunkStorage, Samples, Splits, open_packed, open_sets, pack, pieces_of, write_pieces
from daecore.data.archives import take_files
from daecore.data.picture_rows import HEADER, NOTES, ROWS, VALUES
from daecore.data.picture_store import PictureWriter
from daecore.data.stored_pictures import is_finished, known_pictures, open_pictures
from daecore.data.value_range import Extent
from daecore.entry_points import read_points
from daecore.plugin.registry import GROUP, build

CONTENT = bytes(range(256)) * 20
FILES = {"images": ExpectedFile(hashlib.sha256(CONTENT).hexdigest(), len(CONTENT))}
SEEN = ".lock", "images"


def _fetched(source: Source, room: Path) -> bytes:
    """As a dataset's files come in; nothing partial may stay."""
    cache = room / "cache"
    (cache / "images").unlink(missing_ok=True)
    try:
        fetch_files(cache, FILES, [source])
        return (cache / "images").read_bytes()
    finally:
        left = {path.name for path in cache.iterdir()} - set(SEEN)
        assert not left, f"{left} stays in the data folder"


def _gz(content: bytes, room: Path) -> object:
    (room / "mine").mkdir(exist_ok=True)
    (room / "mine" / "images.gz").write_bytes(content)
    return _fetched(local_folder(room / "mine"), room)


def _tar(content: bytes, room: Path) -> object:
    def gather(scratch: Path, files: object) -> Path:
        plain = io.BytesIO(content)
        archive = gzip.GzipFile(fileobj=plain) if content.startswith(b"\x1f\x8b") else plain
        take_files(archive, scratch, {"images": len(CONTENT), "images.gz": 2 * len(CONTENT)}, unfolded=LARGEST)
        return scratch

    return _fetched(Source("an archive", gather), room)


def _tars(room: Path) -> list[bytes]:
    found = []
    for form in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w", format=form) as archive:
            for name, content in (("package/" + "notes/" * 20 + "note", b"x"), ("package/images", CONTENT)):
                entry = tarfile.TarInfo(name)
                entry.size, entry.pax_headers = len(content), {"comment": "é" * 20}
                archive.addfile(entry, io.BytesIO(content))
        found += [buffer.getvalue(), gzip.compress(buffer.getvalue(), mtime=0)]
    return found


def _repair_tar(content: bytes) -> bytes:
    """The checksum of each block that looks like a header."""
    if content.startswith(b"\x1f\x8b"):
        return repair_gzip(content)
    out = bytearray(content)
    for begin in range(0, len(out) - 511, 512):
        if out[begin + 257 : begin + 262] == b"ustar":
            out[begin + 148 : begin + 156] = b" " * 8
            out[begin + 148 : begin + 156] = b"%06o\0 " % sum(out[begin : begin + 512])
    return bytes(out)


KEYS = [bytes([n]) * 16 for n in range(3)]
STORED = (ROWS, *(name for name, _ in VALUES), NOTES, HEADER)


def _read_all(folder: Path, names: tuple[str, ...]) -> bytes:
    return many_files.joined({name: (folder / name).read_bytes() for name in names})


def _decoded_seeds(room: Path) -> list[bytes]:
    folder = room / "seed-pictures"
    folder.mkdir()
    with PictureWriter(folder, 1, KEYS) as writer:
        writer.add(KEYS[0], torch.arange(20, dtype=torch.uint8).view(1, 4, 5), Extent("uint8", 255, 0, 19), ["a note"])
        writer.add(KEYS[1], torch.linspace(0, 1, 6).view(1, 2, 3), Extent("float64", 1, 0, 1))
        writer.add_bad(KEYS[2], "b.png is none.")
        writer.finish()
    return [_read_all(folder, STORED)]


def _decoded(content: bytes, room: Path) -> object:
    folder = room / "decoded" / "a"
    folder.mkdir(parents=True, exist_ok=True)
    many_files.write(content, STORED, folder)
    found = known_pictures(folder.parent, set(KEYS), 1, besides=folder.parent / "b")
    if not is_finished(folder, len(KEYS), 1):
        return found or None
    pictures, _ = open_pictures(folder, len(KEYS), 1)
    whole = [pictures.picture(n) for n in np.flatnonzero(pictures.rows["height"] > 0)]
    return [it.float().sum() for it in (*whole, *(it.numbers for some in found.values() for it in some))] or None


def _repair_decoded(content: bytes) -> bytes:
    files = many_files.parted(content, STORED)
    return many_files.joined({**files, ROWS: repair_rows(files.get(ROWS, b""))})


def _splits() -> Splits:
    values = torch.arange(6 * 4, dtype=torch.uint8).view(6, 1, 2, 2)
    some = Samples(values, torch.arange(6) % 2)
    return Splits(some, some, (some,), 2)


SETS = (
    "header.json",
    *(f"{part}-0.values{end}" for part in ("train", "validation", "test") for end in ("", ".labels")),
)


def _set_seeds(room: Path) -> list[bytes]:
    write_pieces(pieces_of(_splits()), room / "seed-sets", classes=2)
    return [_read_all(room / "seed-sets", SETS)]


def _sets(content: bytes, room: Path) -> object:
    folder = room / "sets"
    folder.mkdir(exist_ok=True)
    many_files.write(content, SETS, folder)
    found = open_sets(folder)
    if found is None:
        return None
    return [samples.read(torch.tensor([0, len(samples) - 1])).float().sum() for _, samples in found.sets]


PACKED = ("zarr.json", *(f"{part}-0{which}" for part in ("train", "validation", "test")
          for which in ("/c/0/0/0/0", ".digests/c/0/0", ".labels/c/0", ".labels.digests/c/0/0")))  # fmt: skip


def _packed_seeds(room: Path) -> list[bytes]:
    storage = ChunkStorage.at(str(room / "seed-packed"), "DEST")
    pack(_splits(), storage, bounded=True, advance=lambda done, total: None)
    return [_read_all(room / "seed-packed", PACKED)]


def _packed(content: bytes, room: Path) -> object:
    many_files.write(content, PACKED, room / "packed")
    (room / "packed").mkdir(exist_ok=True)
    try:
        found = open_packed(ChunkStorage.at(str(room / "packed"), "SOURCE"), room / "data")
        return [samples.read(torch.tensor([0, len(samples) - 1])).float().sum() for _, samples in found.sets]
    finally:
        shutil.rmtree(room / "data", ignore_errors=True)


METADATA = b"Metadata-Version: 2.1\nName: dae-scan\nVersion: 1.2\nSummary: Scans\n\nA plugin.\n"
POINTS = b"""[daecore.plugins]
scan = no_such_module_of_ours:part
lines = no_such_package_of_ours.lines

[console_scripts]
x = y:z
"""
DISTRIBUTION = ("METADATA", "entry_points.txt")


def _plugin(content: bytes, room: Path) -> object:
    """What a distribution says of itself, up to the module that it names; and as `dae plugins` prints it."""
    folder = room / "dae_scan-1.2.dist-info"
    folder.mkdir(exist_ok=True)
    many_files.write(content, DISTRIBUTION, folder)
    found = read_points([PathDistribution(folder)], GROUP)
    said = [*found.damaged, *map(str, build(found.points).broken)]
    assert all(line.isprintable() for line in said), "a terminal would obey this"
    return found.points or None


ZARR = (b'"daecore"', b'"sets"', b'"shape"', b'"count"', b'"rows"', b'"type"', b'"float32"', b'"sha256"',
    b"1099511627776", b"134217728",
        b"\x28\xb5\x2f\xfd", many_files.MARK)  # fmt: skip
PARSERS = (
    Parser("gz", _gz, given(gzip.compress(CONTENT, mtime=0), gzip.compress(bytes(200_000), mtime=0)),
           (b"\x1f\x8b\x08", b"\x1f\x8b\x08\x1f", b"\0\0\xff\xff"), repair_gzip),
    Parser("tar", _tar, _tars, (b"ustar\0", b"ustar  \0", b"././@LongLink", b"././@PaxHeader",
        b"GNU.sparse.map=0,9999999999",
           b"GNU.sparse.size=", b"size=", b"00000000017\0", b"\x80\0\0\0\xff\xff\xff\xff", b"x", b"g", b"L", b"S",
           b"1", b"2"), _repair_tar),
    Parser("decoded", _decoded, _decoded_seeds, (many_files.MARK, b'"count": 3', b'"format": 2'), _repair_decoded),
    Parser("sets", _sets, _set_seeds, (many_files.MARK, b'"count"', b'"shape"', b'"file"', b'"../x"', b'"float32"',
        b"[2, 2, 2]", b"99999999999")),
    Parser("packed", _packed, _packed_seeds, ZARR),
    Parser("plugin", _plugin, lambda room: [many_files.joined({"METADATA": METADATA, "entry_points.txt": POINTS})],
           (b"[daecore.plugins]", b" = ", b":", b".", b"[", b"]", b"\n", b"Name: ", b"Version: ", many_files.MARK)),
)  # fmt: skip
