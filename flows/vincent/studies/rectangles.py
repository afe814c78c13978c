"""Rectangles: wide or tall."""

from ..problem import Problem

STUDY = Problem(
    id="rectangles",
    title="rectangles: wide or tall",
    says=(
        "Is the outline of a rectangle wider than it is tall? The answer lies in two lengths, and no "
        "single pixel says anything of it. 10,000 samples train and 2,000 validate here; 1,000 and 200 in the paper."
    ),
).study()
