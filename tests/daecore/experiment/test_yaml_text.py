"""YAML as users write it: what a word, a number and a mistake are."""

from typing import Any

import pytest

from daecore.errors import InputError
from daecore.experiment.yaml_text import dump, load, load_value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("010", 10),
        ("0o10", 8),
        ("1:30", "1:30"),
        ("yes", "yes"),
        ("off", "off"),
        ("true", True),
        ("1e-4", 1e-4),
        ("1.0e-4", 1e-4),
        ("null", None),
        ("{erasure: {p: 0.5}}", {"erasure": {"p": 0.5}}),
    ],
)
def test_values_are_those_of_yaml_1_2(text: str, value: Any) -> None:
    """Version 1.1 read 010 as 8, 1:30 as 90, yes as true and 1e-4 as a word."""
    found = load(text, "it")
    assert found == value
    assert type(found) is type(value)


BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{key}: &{key} [{', '.join([f'*{before}'] * 10)}]\n" for before, key in zip("abcde", "bcdef", strict=True)
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("training: {epochs: 1}\ntraining: {epochs: 2}\n", r'duplicate key "training"'),
        ("a: [1", "is not YAML"),
        ("[" * 5000, "nested too deeply"),
        ("x" * 1_000_001, "1,000,001 characters"),
        (BOMB, r"stands for 1\.23e\+06 values"),
        ("a: &a [*a]", "aliases repeat each other"),
        ("a: !!python/object/apply:os.system [id]", "could not determine a constructor"),
    ],
    ids=["a key twice", "not closed", "deep", "long", "aliases of aliases", "an alias of itself", "an object"],
)
def test_what_nobody_means_is_refused_in_one_line(text: str, message: str) -> None:
    """Whatever came, the message stays short."""
    with pytest.raises(InputError, match=f"^My file .*{message}") as error:
        load(text, "My file")
    assert len(str(error.value)) < 400


@pytest.mark.parametrize("text", ["/data/shots #2", "#2", "a  b ", "it's", "C:/x"])
def test_plain_text_of_an_option_stays_as_it_stands(text: str) -> None:
    """A folder's name is what the user typed, with its spaces and what YAML calls a comment."""
    assert load_value(text, "it") == text


def test_an_option_s_text_may_be_quoted_and_its_numbers_are_numbers() -> None:
    for text, value in (("'010'", "010"), ('"a #2"', "a #2"), ("3", 3), ("[1, 2]", [1, 2]), ("", None)):
        assert load_value(text, "it") == value


def test_what_is_written_is_read_as_the_same_value() -> None:
    """Also words that look like numbers, and lines that are folded; no line ends in a space."""
    value = {
        "words": ["010", "1e-4", "0o10", "yes", "null", "1:30", " a ", "x" * 150, "a b " * 60, "#2", ""],
        "numbers": [1e-5, 0.1, 10, True, None], "nested": {"z": {"a": 1}, "b": list(range(80))},
    }  # fmt: skip
    text = dump(value)
    assert load(text, "it") == value
    assert list(load(text, "it")) == list(value)
    assert all(line == line.rstrip() and len(line) < 200 for line in text.splitlines())
