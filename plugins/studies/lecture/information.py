"""Mutual information: how much codes say of a digit, how still they hold under noise, and what they are good for."""

from collections.abc import Sequence

from torch import Tensor, nn

from daecore import spec, stream
from daecore.analysis import Bound, information_bound, sensitivity
from daecore.corruption import Corruptor, draw_pairs
from daecore.data import Samples, Splits, as_float, draw_labels
from daecore.model import restore
from daecore.stats import squared_error
from daecore.study import Findings, Laboratory, Study
from daecore.training import TrainingOptions
from daecore.transfer import epochs_for, probe_codes

from .codes import Measure, figures, notes, picture, table

RECIPE = "lecture/information"
SIZES = (2, 8, 32, 128)
# Gaussian noise, as it is unbiased: a clean picture is the mean of its corrupted ones, and the network can encode it.
# Under erasure it could not: after training with three pixels of four erased, a clean picture is four times too bright.
SIGMAS = (0.0, 0.25, 0.75)  # none, a quarter of the full intensity, and more than pictures themselves vary
QUICK = ("training.epochs=6", "training.batch=64")
COMMON = {"gaussian_noise": {"sigma": 0.5}}  # moves the codes of all networks; none was trained on it
LABELS, DRAWS, STEPS, BATCH = 1000, 5, 600, 64


def run(lab: Laboratory) -> Findings:
    """Train an autoencoder for each code size and strength of noise, and measure its code."""
    sizes, sigmas = ((SIZES[0], SIZES[2]), (SIGMAS[0], SIGMAS[-1])) if lab.quick else (SIZES, SIGMAS)
    splits = lab.splits(lab.experiment(RECIPE))
    found = {(size, sigma): _train(lab, size, sigma, splits) for size in sizes for sigma in sigmas}
    identity = measure(nn.Identity(), nn.Identity(), splits, None)
    return Findings(
        figures=dict(figures(found, identity)),
        pictures=(picture(found, identity, LABELS),),
        tables=(table(found, identity),),
        notes=tuple(notes(found, identity)),
    )


def measure(network: nn.Module, encoder: nn.Module, splits: Splits, corruptions: Sequence[object] | None) -> Measure:
    """Measure one encoder on the test set.

    Args:
        network: Encoder and decoder, ``(B, *shape) -> (B, *shape)``.
        encoder: ``(B, *shape) -> (B, ...)``.
        splits: The data, with labels.
        corruptions: What the network was trained on; None if it was not trained.
    """
    test = splits.test[0]
    clean = as_float(test.data)
    codes = restore(encoder, clean)
    moved = restore(encoder, draw_pairs(test, _corruptor([COMMON])).corrupted)
    own = draw_pairs(test, _corruptor(corruptions)).corrupted if corruptions else clean
    return Measure(
        bound=_bound(network, clean, clean),
        corrupted_bound=None if corruptions is None else _bound(network, own, clean),
        errors=[_probe(encoder, codes, splits, draw) for draw in range(DRAWS)],
        robustness=sensitivity(codes, moved, generator=stream(0, "bootstrap", "robustness")),
    )


def _train(lab: Laboratory, size: int, sigma: float, splits: Splits) -> Measure:
    corruptions = [{"gaussian_noise": {"sigma": sigma}}] if sigma else []
    changes = (f"architecture.conv.code={size}", f"corruptions={corruptions}")
    network = lab.train(lab.experiment(RECIPE, *changes, quick=QUICK)).network
    return measure(network, network.encoder, splits, corruptions)


def _corruptor(corruptions: Sequence[object]) -> Corruptor:
    return Corruptor([spec("corruption", item) for item in corruptions])


def _bound(network: nn.Module, x: Tensor, clean: Tensor) -> Bound:
    errors = squared_error(restore(network, x), clean)
    return information_bound(errors, clean[0].numel(), generator=stream(0, "bootstrap", "bound"))


def _probe(encoder: nn.Module, codes: Tensor, splits: Splits, draw: int) -> float:
    """The error of a linear layer on the codes of a thousand labelled pictures, evaluated on all test codes."""
    classes = splits.classes or 0
    labelled = splits.train.select(draw_labels(splits.train, classes, LABELS, 0, draw))
    training = TrainingOptions(epochs=epochs_for(STEPS, BATCH, LABELS), batch=BATCH, learning_rate=1e-2)
    ours = Samples(restore(encoder, as_float(labelled.data)).flatten(1), labelled.labels)
    return probe_codes(ours, Samples(codes.flatten(1), splits.test[0].labels), classes, training, seed=draw)


STUDY = Study(
    id="information",
    title="Mutual information",
    description=(
        "Minimising the squared error is maximising a lower bound on what the code says of its input. But to say much "
        "is not to be useful: an encoder that copies its input says everything. So codes are made smaller than the "
        "input, and noise asks them to keep what matters and to hold still."
    ),
    recipes=(RECIPE,),
    run=run,
)
