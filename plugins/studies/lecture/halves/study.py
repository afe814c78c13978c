"""[halves] When does learning end memorising? Two networks that have no training picture in common."""

from daecore.data import as_float
from daecore.study import Findings, Laboratory, Study

from . import report
from .agreement import APART, QUICK_SIZES, RECIPE, SHOWN, SIGMAS, SIZES, SMALLEST_APART, ask, compare


def run(lab: Laboratory) -> Findings:
    """Two networks for each size, then again where near-duplicates are left out of both halves."""
    sizes = QUICK_SIZES if lab.quick else SIZES
    found = compare(lab, sizes, 0)
    apart = compare(lab, [size for size in sizes if size >= SMALLEST_APART], APART)
    shown = ask(lab.splits(lab.experiment(RECIPE)).test[0], SHOWN)[SIGMAS[1]]
    return Findings(
        figures=dict(report.figures(found, apart)),
        pictures=(report.chart(found, apart), report.examples(found, shown.corrupted, as_float(shown.clean.data))),
        tables=(report.table(found, apart),),
        notes=tuple(report.notes(found, apart)),
    )


STUDY = Study(
    id="halves",
    title="When learning ends memorising",
    description=(
        "The best denoiser of a finite training set repeats that set; a network that has learnt what digits are "
        "answers the same whichever digits it was shown. So two networks are taught on disjoint halves, from a single "
        "digit to 27,500, with as many steps each. They are asked about noisy test digits: are they nearer to each "
        "other, or to the exact posterior of their own half? Near-duplicates could bring them together without any "
        "learning, so the largest sets are taught again without them."
    ),
    recipes=(RECIPE,),
    run=run,
    also=tuple({"gaussian_noise": {"sigma": sigma}} for sigma in SIGMAS),
)
