"""Blurring: a Gaussian of two and of four pixels."""

from .strengths.study import Strengths

STUDY = Strengths(
    id="blur",
    title="Blurring",
    description=(
        "A blur takes the fine detail of a picture and leaves its coarse shape. Undoing it by a formula turns "
        "rounding into noise; a network that has seen digits draws sharp strokes again, at two pixels and at four."
    ),
    values=("2", "4"),
    shown="blur, sigma = {} pixels",
).study
