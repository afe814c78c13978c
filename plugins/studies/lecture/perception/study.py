"""[perception] What it costs to look real: the mean has the least error, and samples look right; what lies between."""

from daecore.study import Findings, Laboratory, Study

from . import digits, plane, report


def run(lab: Laboratory) -> Findings:
    """The plane, where all is exact; then digits with a square hidden."""
    points, found = plane.measure(lab), digits.measure(lab)
    exact = report.laws_of(points, (plane.SAMPLES, plane.BEST))
    drawn = report.laws_of(found.ways, (digits.BETWEEN,))
    pictures = (
        report.chart(
            "perception", found.ways, drawn, digits.MEASURED,
            "Digits with a square of 16 x 16 pixels hidden, restored by one network in many ways: squared error over "
            "that of its mean answer, against how far a set of its answers is from other test pictures in the features "
            "of an independent classifier. Their originals are at 1. Crosses are 95 % intervals over sets of "
            "pictures. Numbers: the share of the sample, the steps, the time at which the flow begins.",
        ),
        report.chart(
            "perception-arc", points, {plane.BEST: exact[plane.BEST]}, plane.MEASURED,
            "Points on an arc under noise: squared error over that of the exact posterior mean, against the "
            "Wasserstein distance from data. Two ways from the mean (right) to points that look like data (left): "
            "samples of the exact posterior, and the best transport of the mean. Numbers: the share of the way.",
        ),
        report.examples(found),
    )  # fmt: skip
    return Findings(
        figures=dict(report.figures("arc", points, exact)) | dict(report.figures("digits", found.ways, drawn)),
        pictures=pictures,
        tables=(report.table("Digits, a square of 16 x 16 pixels hidden", found.ways),
                report.table("Points on an arc, all exact", points)),
        notes=(*report.of_digits(found.ways, drawn), report.of_plane(points, exact),
               "One network was trained: the intervals are over sets of test pictures and say nothing of luck in "
               "training."),
    )  # fmt: skip


STUDY = Study(
    id="perception",
    title="What it costs to look real",
    description=(
        "The mean has the least squared error and looks like no digit; a sample looks like one and has twice the error "
        "at best. Between them lies a law: the error grows with the square of what is gained in realism. One network "
        "gives the mean, samples, samples in fewer steps and walks that begin at the mean; on an arc the law itself is "
        "put to the test, where posterior and best transport are exact."
    ),
    recipes=(digits.RECIPE, plane.RECIPE),
    run=run,
)
