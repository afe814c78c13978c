"""The fuzzer finds what it is for; what it has found stays mended; and some thousand new inputs break nothing."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import told_parser
from cases import content_of, found_cases, write_case
from chunks import Current, run_chunk
from fuzzed import Parser, given
from guarded import BYTES, FINDINGS, SECONDS, Outcome, attempt
from parsers import PARSERS

RUN = Path(__file__).with_name("run.py")
INPUTS = 10_000  # of the long test, over all parsers
CASES = found_cases()


@pytest.fixture(autouse=True)
def _database(empty_database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database that other tests copy, too."""
    monkeypatch.setattr(told_parser, "empty_database", lambda: empty_database)


@pytest.mark.parametrize(("name", "path"), CASES, ids=[f"{name}/{path.stem}" for name, path in CASES])
def test_what_once_broke_a_parser_is_refused_in_a_sentence_or_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, path: Path
) -> None:
    """Every case that was found, in little time and memory."""
    monkeypatch.setenv("DAE_STORE", str(tmp_path))
    outcome = attempt(PARSERS[name], content_of(path), tmp_path)
    assert outcome.kind not in FINDINGS, outcome


@pytest.mark.parametrize("name", PARSERS)
def test_sound_inputs_reach_each_parser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """One of its seeds is accepted, and stays so when its checksums are made right: else nothing would be tried."""
    parser = PARSERS[name]
    monkeypatch.setenv("DAE_STORE", str(tmp_path))
    seeds = parser.seeds(tmp_path)
    kinds = [attempt(parser, seed, tmp_path).kind for seed in seeds]
    repaired = [attempt(parser, parser.repair(seed), tmp_path).kind for seed in seeds]
    assert repaired == kinds
    assert set(kinds) <= {"accepted", "refused"}
    assert "accepted" in kinds or name == "picture"  # which holds beginnings of other formats alone


def _told(parse: object, seconds: float = SECONDS) -> Outcome:
    return attempt(Parser("broken", parse, given(b"x")), b"x", Path(), seconds=seconds)  # type: ignore[arg-type]


def test_each_way_to_break_is_seen() -> None:
    """An error that nobody raised on purpose, much time, much memory, and a sentence that no terminal should get."""
    from daecore.errors import InputError

    def say(content: bytes, room: Path) -> None:
        raise InputError("an escape \x1b[2J")

    def work(content: bytes, room: Path) -> None:
        until = time.process_time() + 5
        while time.process_time() < until:
            pass

    assert _told(lambda content, room: 1 / 0).kind == "escaped"
    assert _told(lambda content, room: bytearray(b"x") * (BYTES + (1 << 27))).kind == "large"
    assert _told(lambda content, room: 1 << 60 and bytes(1 << 62)).kind == "large"
    assert _told(work, seconds=0.2).kind == "slow"
    assert _told(say).kind == "unreadable"
    assert _told(lambda content, room: None).kind == "refused"
    assert _told(lambda content, room: 5).kind == "accepted"


def test_the_same_chunk_has_the_same_inputs(tmp_path: Path) -> None:
    """Whoever runs it: a finding can be repeated by its seed and its number."""
    handed: list[list[bytes]] = []

    def keep(content: bytes, room: Path) -> bool:
        handed[-1].append(content)
        return True

    parser = Parser("kept", keep, given(b'{"a": [1, 2]}', b"[3]"), (b"{",), tree=True)
    for number in (0, 0, 1, 1, 2):
        handed.append([])
        run_chunk(parser, 7, number, tmp_path, Current(), count=40)
    assert handed[0] == handed[1]
    assert handed[2] == handed[3]
    assert handed[0] != handed[4]
    assert len(set(map(tuple, handed))) == 3
    assert min(map(len, handed)) == 40


def test_a_case_comes_back_as_it_was_kept(tmp_path: Path) -> None:
    for content in (b"plain text\n", b"\0\xff", b""):
        assert content_of(write_case(tmp_path, "case", content)) == content


ENVIRONMENT = {**os.environ, "PYTHONSAFEPATH": ""}  # other tests run `dae` here, which keeps scripts' folders out


def _pass(folder: Path, *words: str, status: int = 0) -> str:
    command = [sys.executable, str(RUN), "--log", str(folder / "fuzz.jsonl"), *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False, env=ENVIRONMENT)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout


@pytest.mark.long
def test_ten_thousand_inputs_break_nothing(tmp_path: Path) -> None:
    """Over all parsers; then a second pass has nothing to do, and says the same."""
    told = _pass(tmp_path, "--inputs", str(INPUTS))
    lines = (tmp_path / "fuzz.jsonl").read_text().splitlines()
    tried = sum(sum(json.loads(line)["counts"].values()) for line in lines)
    assert tried >= 0.9 * INPUTS, told
    assert _pass(tmp_path, "--inputs", str(INPUTS)) == told
    assert (tmp_path / "fuzz.jsonl").read_text().splitlines() == lines
