"""[halves] When does learning end memorising? Two networks that have no training picture in common."""

from daecore.data import as_float
from daecore.study import Findings, Laboratory, Study

from . import report
from .agreement import APART, QUICK_SIZES, RECIPE, SHOWN, SIGMAS, SIZES, SMALLEST_APART, Halves, ask, compare


def run(lab: Laboratory) -> Findings:
    """Two networks for each size, again without near-duplicates, and once with as few digits that were not chosen."""
    sizes = QUICK_SIZES if lab.quick else SIZES
    large = [size for size in sizes if size >= SMALLEST_APART]
    found = dict(zip(sizes, compare(lab, [Halves((size, size)) for size in sizes]), strict=True))
    apart = dict(zip(large, compare(lab, [Halves((size, size), APART) for size in large]), strict=True))
    (control,) = compare(lab, [Halves(apart[large[-1]].kept)])
    agreements = report.Agreements(found, apart, control)
    shown = ask(lab.splits(lab.experiment(RECIPE)).test[0], SHOWN)[SIGMAS[1]]
    clean = as_float(shown.clean.data)
    return Findings(
        figures=dict(report.figures(agreements)),
        pictures=(report.chart(agreements), report.examples(found, shown.corrupted, clean)),
        tables=(report.table(agreements),),
        notes=tuple(report.notes(agreements)),
    )


STUDY = Study(
    id="halves",
    title="When learning ends memorising",
    description=(
        "The best denoiser of a finite training set repeats that set; a network that has learnt what digits are "
        "answers the same whichever digits it was shown. So two networks are taught on disjoint halves, from a single "
        "digit to 27,500, with as many steps each. They are asked about noisy test digits: are they nearer to each "
        "other, or to the exact posterior of their own half? Near-duplicates could bring them together without any "
        "learning, so the largest sets are taught again without them, and beside the largest one as many digits that "
        "were drawn at random."
    ),
    recipes=(RECIPE,),
    run=run,
    also=tuple({"gaussian_noise": {"sigma": sigma}} for sigma in SIGMAS),
)
