"""Pictures of a problem: samples as they are, corrupted and restored; and all errors beside the published ones."""

from matplotlib.figure import Figure

from daecore.corruption import Corruptor, draw_pairs
from daecore.data import as_float
from daecore.model import restore
from daecore.plots import COLUMNS, CYCLE, GREY, panel, png
from daecore.study import Laboratory, Picture
from daecore.transfer import SvmReport

from .errors import CONVOLUTIONAL, DENOISING, FIRST_SEED, METHODS, STACKED, Errors, experiment_of
from .published import Published

CAPTION = (
    "Test error of each method: a dot for each seed, a bar for the mean with its 95 % interval (of the support vector "
    "machine over test samples, else over seeds); dashed, what was published of the same method, of the convolutional "
    "denoising one the lowest that is known here."
)


def samples(lab: Laboratory, problem: str) -> Picture:
    """Twelve test samples, what the corruption makes of them, and what the convolutional network restores."""
    experiment = experiment_of(lab, problem, CONVOLUTIONAL, FIRST_SEED)
    trained, corruptor = lab.train(experiment), Corruptor(experiment.corruptions)
    pairs = draw_pairs(lab.splits(experiment).test[0], corruptor, COLUMNS)
    rows = {
        "original": as_float(pairs.clean.data),
        "corrupted": pairs.corrupted,
        "restored": restore(trained.network, pairs.corrupted),
    }
    caption = f"Test samples, {corruptor}, and what the convolutional denoising autoencoder restores."
    return Picture("samples", caption, png(panel(rows)))


def errors(machine: SvmReport, found: Errors, published: Published) -> bytes:
    """A PNG: the errors of all methods, side by side."""
    methods = tuple(found.of)
    figure = Figure(figsize=(7.2, 3.2), dpi=130, layout="constrained", facecolor="white")
    axis = figure.add_subplot()
    beside = {STACKED: published.sae, DENOISING: published.sdae, CONVOLUTIONAL: published.lowest}
    axis.bar(0, machine.error_percent, color=GREY, alpha=0.5, width=0.6)
    axis.vlines(0, machine.low, machine.high, color=GREY, linewidth=2)
    for x, method in enumerate(methods, start=1):
        interval, color = found.interval(method), CYCLE[METHODS.index(method)]
        axis.bar(x, interval.mean, color=color, alpha=0.5, width=0.6)
        axis.vlines(x, interval.low, interval.high, color=color, linewidth=2)
        axis.scatter([x] * interval.n, found.of[method], color=color, s=12, zorder=3)
    for x, value in enumerate((published.svm, *map(beside.get, methods))):
        if value is not None:
            axis.hlines(value, x - 0.4, x + 0.4, color="black", linestyle="--", linewidth=1)
    axis.set_xticks(range(len(methods) + 1), ["SVM", *(method.replace(" ", "\n") for method in methods)], fontsize=8)
    axis.set_ylabel("test error, %")
    axis.spines[["top", "right"]].set_visible(False)
    axis.grid(axis="y", color="#e6e8eb", linewidth=0.7)
    axis.set_axisbelow(True)
    return png(figure)
