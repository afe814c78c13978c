"""Block masking: one square of 10 x 10 and of 16 x 16 pixels at a random place."""

from .strengths.study import Strengths

STUDY = Strengths(
    id="block",
    title="Block masking",
    description=(
        "One square at a random place is covered. Nothing of what lay under it is left, so the network must guess from "
        "what lies around; with a large square there are several good guesses, and the squared error asks for their "
        "mean."
    ),
    values=("10", "16"),
    shown="block of {0} x {0} pixels",
).study
