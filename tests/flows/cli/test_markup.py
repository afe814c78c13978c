"""Texts of others: shown as they are, whatever rich or a terminal would make of them."""

import io
from pathlib import Path

from daecore_flows.cli.markup import plain
from daecore_flows.cli.recipes import recipe_table
from rich.console import Console


def test_a_name_is_no_markup_and_moves_no_cursor() -> None:
    """A closing mark without an opening one once ended the command."""
    shown = io.StringIO()
    Console(file=shown, width=80).print(plain("a [bold]b[/bold] [/red]\n\x1b[2J"))
    assert shown.getvalue() == "a [bold]b[/bold] [/red] \\x1b[2J\n"


def test_a_recipe_s_first_comment_is_shown_as_it_stands(tmp_path: Path) -> None:
    """Also where it is no UTF-8, or longer than anybody reads."""
    shown = io.StringIO()
    for name, content in (
        ("marked", b"# closed [/bold]\n"),
        ("other", b"# \xe9t\xe9\n"),
        ("long", b"# " + b"x" * 10**6),
    ):
        (tmp_path / name).write_bytes(content)
    Console(file=shown, width=200).print(recipe_table({path.name: path for path in tmp_path.iterdir()}))
    assert "closed [/bold]" in shown.getvalue()
    assert len(shown.getvalue()) < 3000
