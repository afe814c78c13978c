"""What of a text with addresses in it may be said."""

import pickle

import pytest

from daecore.addresses import hide_passwords, without_password
from daecore.errors import InputError, PluginError, in_a_line, quote

HIDDEN = {
    "postgresql://u:p@w/o:rd@h:5432/db?sslmode=require": "postgresql://u@h:5432/db?sslmode=require",
    "postgresql+asyncpg://:word@h/db": "postgresql+asyncpg://h/db",
    "https://u:word@h/x and http://u:123@h:2/y": "https://h/x and http://h:2/y",
    "https://hf_token@h/x": "https://h/x",
    "HTTPS://u:word@h": "HTTPS://h",
    "s3://key:se/cret@bucket/x": "s3://key@bucket/x",
    "('https://u:word@h/x', 'a@b')": "('https://h/x', 'a@b')",
    "https://h/x?part=1&X-Amz-Signature=ab%2B&sig=c": "https://h/x?part=1&X-Amz-Signature=...&sig=...",
    "host=h password=word user=u": "host=h password=... user=u",
}
KEPT = (
    "postgresql://lab@h/db", "ssh://git@h/x", "http://127.0.0.1:4200/a@b", "http://[::1]:4200/a@b", "sqlite:////a@b/x",
    "models:/x@newest", "s3://bucket/x", "training.token=5", "sigma=0.5", "a@b", "",
)  # fmt: skip


@pytest.mark.parametrize(("text", "shown"), HIDDEN.items())
def test_a_password_is_left_out(text: str, shown: str) -> None:
    assert without_password(text) == shown
    assert without_password(shown) == shown


@pytest.mark.parametrize("text", KEPT)
def test_all_else_stays(text: str) -> None:
    assert without_password(text) == text


def test_no_message_of_ours_has_one() -> None:
    """Whatever it quotes; and it can be handed to another process."""
    error = PluginError("GET https://u:word@h/x failed", "name")
    assert str(error) == "GET https://h/x failed"
    assert str(pickle.loads(pickle.dumps(InputError("at s3://key:word@h")))) == "at s3://key@h"
    assert quote("https://u:word@h/x") == "'https://h/x'"
    assert in_a_line("GET\nhttps://u:word@h/x") == "GET https://h/x"


def test_an_error_of_others_loses_it_too_with_what_is_behind_it() -> None:
    error = ValueError(KeyError("at https://u:word@h/x"))
    error.__cause__ = OSError(2, "not found", "https://u:word@h/y")
    error.__context__ = ExceptionGroup("at https://u:word@h", [RuntimeError("https://u:word@h/z")])
    hide_passwords(error)
    assert str(error) == "'at https://h/x'"
    assert str(error.__cause__) == "[Errno 2] not found: 'https://h/y'"
    assert str(error.__context__.exceptions[0]) == "https://h/z"


def test_errors_that_go_round_in_a_circle_are_looked_at_once() -> None:
    error, other = ValueError("https://u:word@h/x"), ValueError("https://u:word@h/y")
    error.__context__, other.__context__ = other, error
    hide_passwords(error)
    assert (str(error), str(other)) == ("https://h/x", "https://h/y")
