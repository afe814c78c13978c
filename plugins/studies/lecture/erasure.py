"""Pixel erasure: each pixel goes dark with probability 0.5 and 0.9."""

from .strengths.study import Strengths

STUDY = Strengths(
    id="erasure",
    title="Pixel erasure",
    description=(
        "An autoencoder need not be given the picture it is to produce: it can be given a damaged one. Here each pixel "
        "is erased with a probability of one half, then of nine tenths, and what the network knows of digits fills in "
        "the rest."
    ),
    values=("0.5", "0.9"),
    shown="erasure, p = {}",
).study
