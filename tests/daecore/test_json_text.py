"""JSON of others: a value, or one kind of error."""

import pytest

from daecore.json_text import parse_json


def test_a_text_is_its_value() -> None:
    assert parse_json('{"a": [1, null]}') == parse_json(b'{"a": [1, null]}') == {"a": [1, None]}


@pytest.mark.parametrize("text", ["[" * 100_000, b"\xff", "{", "9" * 5000, ""])
def test_whatever_is_wrong_is_a_value_error(text: str | bytes) -> None:
    """Also what Python's reader answers with its own stack's end."""
    with pytest.raises(ValueError, match=r"."):
        parse_json(text)
