"""Rectangles: wide or tall."""

from ..problem import Problem

STUDY = Problem(
    id="rectangles",
    title="rectangles: wide or tall",
    says=(
        "Is the outline of a rectangle wider than it is tall? The answer lies in two lengths, and no "
        "single pixel says anything of it."
    ),
).study()
