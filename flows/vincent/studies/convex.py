"""Convex: one convex region or not."""

from ..problem import Problem

STUDY = Problem(
    id="convex",
    title="convex: one convex region or not",
    says=(
        "Is the white region convex? Classes differ in a property of the whole shape, not in where it is or how large. "
        "10,000 samples train and 2,000 validate here; 6,000 and 2,000 in the paper."
    ),
).study()
