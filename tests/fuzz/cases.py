"""Found cases: inputs that once broke a parser, kept small, a file each in the folder of the parser's name."""

from pathlib import Path

CASES = Path(__file__).parent / "cases"


def found_cases() -> list[tuple[str, Path]]:
    """The parser's name and the file of each; ``.hex`` files hold bytes as hexadecimal digits, others are the input."""
    return sorted((path.parent.name, path) for path in CASES.glob("*/*") if path.is_file())


def content_of(path: Path) -> bytes:
    """The input of a case."""
    return bytes.fromhex(path.read_text()) if path.suffix == ".hex" else path.read_bytes()


def write_case(folder: Path, name: str, content: bytes) -> Path:
    """Keep an input: as it is where it is plain text, else as digits."""
    folder.mkdir(parents=True, exist_ok=True)
    plain = all(32 <= value < 127 or value == 10 for value in content)
    path = folder / f"{name}.{'txt' if plain else 'hex'}"
    path.write_bytes(content if plain else content.hex().encode() + b"\n")
    return path
