"""Texts of others in what rich prints: a run's name or a plugin's first line is no markup, and moves no cursor."""

from rich.markup import escape


def plain(text: str) -> str:
    """A text that rich shows as it is, on one line; what a terminal would obey is spelt out."""
    from daecore.errors import one_line

    return escape(one_line(text))
