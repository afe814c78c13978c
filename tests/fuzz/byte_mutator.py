"""Byte mutator: another input out of sound ones, by what goes wrong in files and by what somebody may try."""

from collections.abc import Callable, Sequence
from random import Random

from fuzzed import LARGEST

INTERESTING = (0, 1, 2, 3, 7, 8, 16, 32, 64, 100, 127, 128, 255, 256, 1000, 1024, 4096, 32767, 32768, 65535, 65536,
               2**24, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**48, 2**63 - 1, 2**63, 2**64 - 1)  # fmt: skip
NUMBERS = (b"0", b"-1", b"1", b"00", b"255", b"256", b"65536", b"99999", b"2147483648", b"18446744073709551616",
           b"1e999", b"-1e-999", b"nan", b"inf", b"9" * 400, b"0.1", b"1_0", "٣".encode())  # fmt: skip
HEADER = 64  # bytes at the beginning, which say most
MOST_CHANGES = 8


def mutate(random: Random, seeds: Sequence[bytes], tokens: Sequence[bytes]) -> bytes:
    """An input: a sound one, changed once or several times.

    Args:
        random: Says all that is drawn.
        seeds: Sound inputs.
        tokens: Words of the format.
    """
    content = bytearray(random.choice(seeds))
    changes = 1
    while changes < MOST_CHANGES and random.random() < 0.5:
        changes += 1
    for _ in range(changes):
        random.choice(CHANGES)(random, content, seeds, tokens)
    return bytes(content[:LARGEST])


Change = Callable[[Random, bytearray, Sequence[bytes], Sequence[bytes]], None]


def _place(random: Random, content: bytearray) -> int:
    """Anywhere, but often in the header."""
    most = len(content) if random.random() < 0.6 else min(len(content), HEADER)
    return random.randrange(most + 1)


def _span(random: Random, content: bytearray) -> slice:
    begin = _place(random, content)
    longest = random.choice((1, 4, 16, 256, max(1, len(content))))
    return slice(begin, begin + random.randint(1, longest))


def _flip(random: Random, content: bytearray, seeds: Sequence[bytes], tokens: Sequence[bytes]) -> None:
    for _ in range(random.choice((1, 1, 2, 8))):
        if place := min(_place(random, content), len(content) - 1) + 1:
            content[place - 1] ^= 1 << random.randrange(8)


def _set_byte(random: Random, content: bytearray, seeds: Sequence[bytes], tokens: Sequence[bytes]) -> None:
    if content:
        content[_place(random, content) % len(content)] = random.choice((0, 1, 0x7F, 0x80, 0xFF, random.randrange(256)))


def _set_integer(random: Random, content: bytearray, seeds: Sequence[bytes], tokens: Sequence[bytes]) -> None:
    width = random.choice((1, 2, 4, 8))
    value = random.choice(INTERESTING) + random.choice((0, 0, 1, -1))
    place = _place(random, content)
    content[place : place + width] = (value % 256**width).to_bytes(width, random.choice(("little", "big")))


def _cut(random: Random, content: bytearray, seeds: Sequence[bytes], tokens: Sequence[bytes]) -> None:
    del content[_place(random, content) :]


def _remove(random: Random, content: bytearray, seeds: Sequence[bytes], tokens: Sequence[bytes]) -> None:
    del content[_span(random, content)]


def _insert(random: Random, content: bytearray, seeds: Sequence[bytes], tokens: Sequence[bytes]) -> None:
    place = _place(random, content)
    content[place:place] = random.randbytes(random.choice((1, 2, 4, 16, 100)))


def _blank(random: Random, content: bytearray, seeds: Sequence[bytes], tokens: Sequence[bytes]) -> None:
    span = _span(random, content)
    content[span] = bytes([random.choice((0, 0xFF, 0x20))]) * len(content[span])


def _repeat(random: Random, content: bytearray, seeds: Sequence[bytes], tokens: Sequence[bytes]) -> None:
    chunk = content[_span(random, content)][:4096]
    place = _place(random, content)
    content[place:place] = chunk * random.choice((1, 2, 10, 100, 1000))
    del content[LARGEST:]


def _splice(random: Random, content: bytearray, seeds: Sequence[bytes], tokens: Sequence[bytes]) -> None:
    other = bytearray(random.choice(seeds))
    content[_place(random, content) :] = other[_place(random, other) :]


def _put_token(random: Random, content: bytearray, seeds: Sequence[bytes], tokens: Sequence[bytes]) -> None:
    token, place = random.choice([*tokens, b"\0", b"\xff\xfe", b"\xed\xa0\x80"]), _place(random, content)
    content[place : place + random.choice((0, len(token)))] = token


def _put_number(random: Random, content: bytearray, seeds: Sequence[bytes], tokens: Sequence[bytes]) -> None:
    """Another number in the place of one that is written in digits."""
    digits = [place for place, value in enumerate(content[:4096]) if 48 <= value <= 57]
    if not digits:
        return
    begin = end = random.choice(digits)
    while begin and 48 <= content[begin - 1] <= 57:
        begin -= 1
    while end < len(content) and 48 <= content[end] <= 57:
        end += 1
    content[begin:end] = random.choice(NUMBERS)


CHANGES: tuple[Change, ...] = (
    _flip, _flip, _set_byte, _set_integer, _set_integer, _cut, _remove, _insert, _blank, _repeat, _splice, _put_token,
    _put_number,
)  # fmt: skip
