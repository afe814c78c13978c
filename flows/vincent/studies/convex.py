"""Convex: one convex region or not."""

from ..problem import Problem

STUDY = Problem(
    id="convex",
    title="convex: one convex region or not",
    says=(
        "Is the white region convex? Classes differ in a property of the whole shape, not in where it is or how large."
    ),
).study()
