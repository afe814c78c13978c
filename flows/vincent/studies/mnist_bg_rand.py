"""Bg-rand: digits on noise."""

from ..problem import Problem

STUDY = Problem(
    id="mnist_bg_rand",
    title="bg-rand: digits on noise",
    says=(
        "Each background pixel is drawn uniformly, independent of all others: most of a picture's "
        "variation says nothing of the digit, and every pixel of it is loud."
    ),
).study()
