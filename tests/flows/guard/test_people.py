"""People: a name and a password each, of which the file keeps a digest; whoever is not in it is not let in."""

import os
import stat

import pytest
from daecore_flows.guard.people import People

PASSWORD = "correct horse battery"


def test_somebody_is_let_in_by_his_own_password(people: People) -> None:
    """And by no other, nor by that of somebody else."""
    people.put("grace", "another password")
    assert people.admits("ada", PASSWORD)
    assert people.admits("grace", "another password")
    assert not people.admits("ada", "another password")
    assert not people.admits("ada", "")
    assert not people.admits("nobody", PASSWORD)
    assert people.names() == ["ada", "grace"]


def test_the_file_is_its_user_s_alone_and_holds_no_password(people: People) -> None:
    """Two people with one password have two digests."""
    people.put("grace", PASSWORD)
    text = people.path.read_text()
    assert stat.S_IMODE(people.path.stat().st_mode) == 0o600
    assert PASSWORD not in text
    digests = [line.rpartition("$")[2] for line in text.splitlines() if "$" in line]
    assert len(set(digests)) == 2
    assert sorted(os.listdir(people.path.parent)) == ["people.json", "people.lock"]


def test_another_password_takes_the_place_of_the_old_one(people: People) -> None:
    people.put("ada", "another password")
    assert not people.admits("ada", PASSWORD)
    assert people.admits("ada", "another password")


def test_who_was_removed_is_let_in_no_more(people: People) -> None:
    before = people.state
    assert people.remove("ada")
    assert not people.admits("ada", PASSWORD)
    assert not people.remove("ada")
    assert people.state != before


@pytest.mark.parametrize("name", ["", "a:b", "a b", "-a", "ä", "a" * 65, "../a"])
def test_a_name_that_cannot_be_sent_is_refused(people: People, name: str) -> None:
    """HTTP's Basic ends it with a colon."""
    with pytest.raises(ValueError, match="A name has letters, digits"):
        people.put(name, PASSWORD)


@pytest.mark.parametrize("password", ["", "short", "a" * 1001, "with a\nline break"])
def test_a_password_that_is_too_easy_or_cannot_be_typed_is_refused(people: People, password: str) -> None:
    with pytest.raises(ValueError, match="A password has 12 characters at least"):
        people.put("ada", password)
    assert people.admits("ada", PASSWORD)


@pytest.mark.parametrize("text", ["", "[]", '{"ada": "open"}', '{"ada": 1}', "\xff", '{"a b": "scrypt$0$0"}'])
def test_a_damaged_file_lets_nobody_in(people: People, text: str) -> None:
    """Whoever looks after it is told."""
    people.path.write_text(text, encoding="latin-1")
    assert not people.admits("ada", PASSWORD)
    with pytest.raises(ValueError, match="does not hold what `dae people` writes"):
        people.names()
