"""`dae people`: who may open the pages from other machines, by a name and a password."""

import sys
from collections.abc import Callable
from typing import TypeVar

import typer

from .folders import DEFAULT_DATA, DEFAULT_STORE, StoreFolder, store_at

Result = TypeVar("Result")

app = typer.Typer(no_args_is_help=True, help="Who may open the pages from other machines (`dae up --host`).")


@app.command()
def add(
    name: str = typer.Argument(help="Letters, digits, '.', '_' and '-'."), store: StoreFolder = DEFAULT_STORE
) -> None:
    """Let somebody in, or give him another password: it is asked for, or read from standard input."""
    from ..studio.wish import people_of

    opened = store_at(store, DEFAULT_DATA)
    opened.enter()
    if sys.stdin.isatty():
        password = typer.prompt(f"Password for {name}", hide_input=True, confirmation_prompt=True)
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    _speaking(lambda: people_of(opened).put(name, password))
    print(f"{name} may sign in, also at a studio that is up.")


@app.command("list")
def list_people(store: StoreFolder = DEFAULT_STORE) -> None:
    """List who may sign in."""
    from ..studio.wish import people_of

    names = _speaking(people_of(store_at(store, DEFAULT_DATA)).names)
    print("\n".join(names) or "Nobody yet: `dae people add NAME`.")


@app.command()
def remove(
    name: str = typer.Argument(help="As `dae people list` shows it."), store: StoreFolder = DEFAULT_STORE
) -> None:
    """Let somebody in no more, at once."""
    from daecore.errors import InputError, choices

    from ..studio.wish import people_of

    people = people_of(store_at(store, DEFAULT_DATA))
    if not _speaking(lambda: people.remove(name)):
        raise InputError(f"Nobody is called {name!r}. {choices(name, people.names(), 'dae people list')}")
    print(f"{name} may sign in no more.")


def _speaking(act: Callable[[], Result]) -> Result:
    """What an act gives; what it refuses is a wrong input.

    Raises:
        InputError: It refuses.
    """
    from daecore.errors import InputError

    try:
        return act()
    except ValueError as error:
        raise InputError(f"{error}.") from None
