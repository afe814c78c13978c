"""Rot: digits turned by any angle."""

from ..problem import Problem

STUDY = Problem(
    id="mnist_rot",
    title="rot: digits turned by any angle",
    says=(
        "Each digit is turned by an angle drawn uniformly from the whole circle, so that a class is no "
        "longer a heap of similar pictures but a ring of them."
    ),
).study()
