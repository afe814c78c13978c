"""[n2n] Row 7 of the lecture: noisy targets in place of clean ones (Noise2Noise, Lehtinen et al. 2018).

Knows the order in which the parts are conducted; each part trains, measures and draws its own.
"""

from daecore.study import Findings, Laboratory, Study

from . import captures, clipping, digits, natural


def run(lab: Laboratory) -> Findings:
    """Noisy beside clean targets: on digits under three noises, on few captures, clipped, on natural images."""
    gaussian = digits.train(lab, "gaussian")
    parts = [
        digits.findings(lab, gaussian),
        captures.findings(lab),
        clipping.findings(lab, gaussian),
        natural.findings(lab),
    ]
    return Findings(
        figures={name: figure for part in parts for name, figure in part.figures.items()},
        pictures=tuple(picture for part in parts for picture in part.pictures),
        tables=tuple(table for part in parts for table in part.tables),
        notes=tuple(note for part in parts for note in part.notes),
    )


STUDY = Study(
    id="n2n",
    title="Denoising without clean images",
    description=(
        "Squared error is smallest at the mean of the target given the input. A target that is itself noisy, but right "
        "on average and with noise of its own, has the same mean: the best network stays the same, and the loss only "
        "grows by the power of the target's noise. Noise that is clipped is not right on average, and the network "
        "learns its mean instead. Erased pixels of a target are simply not asked for."
    ),
    recipes=(
        "lecture/n2n-gaussian",
        "lecture/n2n-shot",
        "lecture/n2n-erasure",
        "lecture/n2n-few-clean",
        "lecture/n2n-many-noisy",
        "lecture/n2n-clipped",
        "lecture/n2n-natural",
        "lecture/n2n-natural-clean",
    ),
    run=run,
)
