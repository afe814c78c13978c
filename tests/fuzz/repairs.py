"""Repairs: checksums and lengths of mutated files made right again, so that what lies behind them is reached."""

import hashlib
import json
import struct
import zlib

from daecore.data.picture_rows import ROW

MOST_CHUNKS = 2000


def repair_png(content: bytes) -> bytes:
    """The checksum of each chunk, as far as their lengths lead."""
    out, place = bytearray(content), 8
    for _ in range(MOST_CHUNKS):
        if place + 12 > len(out):
            break
        end = place + 8 + int.from_bytes(out[place : place + 4], "big")
        if end + 4 > len(out):
            break
        out[end : end + 4] = struct.pack(">I", zlib.crc32(out[place + 4 : end]))
        place = end + 4
    return bytes(out)


def repair_gzip(content: bytes) -> bytes:
    """The checksum and the length at the end, of what can be unfolded."""
    try:
        plain = zlib.decompressobj(31).decompress(content[:-8], 1 << 22)
    except zlib.error:
        return content
    return content[:-8] + struct.pack("<II", zlib.crc32(plain), len(plain) & 0xFFFFFFFF)


def repair_lines(content: bytes) -> bytes:
    """The checksum before each line of a journal."""
    texts = [line.partition(b" ")[2] for line in content.split(b"\n")]
    return b"".join(b"%08x %s\n" % (zlib.crc32(text), text) for text in texts if text)


def repair_rows(content: bytes, size: int = ROW.itemsize) -> bytes:
    """The checksum at the end of each row of a picture store."""
    rows = [content[begin : begin + size - 4] for begin in range(0, len(content) - size + 1, size)]
    return b"".join(row + struct.pack("<I", zlib.crc32(row)) for row in rows)


def repair_safetensors(content: bytes) -> bytes:
    """The length of the header, and our checksum of all that the file holds, where it can be read."""
    from safetensors.torch import load

    from daecore.training.checkpoint import tensors_digest

    end = content.rfind(b"}", 8, 8 + 20_000) + 1 if b'"__metadata__"' in content[:20_000] else 0
    length = int.from_bytes(content[:8], "little")
    if not 0 < length <= len(content) - 8:
        length = end - 8
    try:
        header = json.loads(content[8 : 8 + length])
        text = header["__metadata__"]["header"]
        header["__metadata__"]["sha256"] = hashlib.sha256(text.encode()).hexdigest()  # of the same length as ours
        framed = _framed(header, content[8 + length :])
        header["__metadata__"]["sha256"] = tensors_digest(load(framed), text)
        return _framed(header, content[8 + length :])
    except Exception:  # it cannot be read at all: so it stays
        return content


def _framed(header: object, values: bytes) -> bytes:
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + values


def repair_zip(content: bytes) -> bytes:
    """The checksum of each file that is stored as it is, behind its name and in the list at the end."""
    out = bytearray(content)
    place = out.find(b"PK\x03\x04")
    while 0 <= place < len(out) - 30:
        stored = out[place + 8 : place + 10] == b"\0\0"
        size, name, extra = struct.unpack_from("<I4xHH", out, place + 18)
        begin = place + 30 + name + extra
        if stored and begin + size <= len(out):
            struct.pack_into("<I", out, place + 14, crc := zlib.crc32(out[begin : begin + size]))
            _repair_listed(out, place, crc)
        place = out.find(b"PK\x03\x04", place + 4)
    return bytes(out)


def _repair_listed(out: bytearray, begin: int, crc: int) -> None:
    """In the list at the end of a zip, of the file that begins here."""
    place = out.find(b"PK\x01\x02")
    while 0 <= place <= len(out) - 46:
        if struct.unpack_from("<I", out, place + 42)[0] == begin:
            struct.pack_into("<I", out, place + 16, crc)
        place = out.find(b"PK\x01\x02", place + 4)
