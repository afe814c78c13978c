"""Facts about BibTeX as a source of an extension: entries come out as they were written, and what is none is told."""

import pytest

from daecore.errors import InputError
from daecore.plugin.bibtex import entries

GOOD = "@article{fog1999, author = {Fog, {\\'E}va}, title = {Of {Fog}, = and mist}, YEAR = 1999}"


def test_entries_come_out_as_they_were_written() -> None:
    """Key, text and fields; commas and equals signs inside braces are no fields."""
    first, second = entries(f"said by us\n{GOOD}\n\n{GOOD.replace('fog1999', 'mist')}")
    assert (first.key, second.key) == ("fog1999", "mist")
    assert first.text == GOOD
    assert first.fields == ("author", "title", "year")
    assert entries(" \n") == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Fog 1999", "'Fog 1999' is no BibTeX: an entry is written @article{key, author = {...}, ...}."),
        (GOOD[:-1], "The BibTeX entry 'fog1999' does not end: a brace is not closed. Close every { with a }."),
        (GOOD.replace("YEAR", "date"), "The BibTeX entry 'fog1999' needs author, title, year, and has no year."),
        (GOOD + GOOD, "The BibTeX key 'fog1999' stands there twice. Give each entry a key of its own."),
    ],
)
def test_what_is_no_bibtex_is_told(text: str, said: str) -> None:
    with pytest.raises(InputError) as told:
        entries(text)
    assert said in str(told.value)
