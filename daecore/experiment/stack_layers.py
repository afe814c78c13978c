"""Layers as experiments of their own: what each one trains, and whether a stack can be trained at all.

Knows experiments only; loads neither Prefect nor MLflow.
"""

from daecore import rng
from daecore.corruption.corruptor import Corruptor
from daecore.data.batch_source import Shape
from daecore.errors import InputError
from daecore.experiment.experiment import Experiment
from daecore.experiment.feasibility import check, check_objective
from daecore.plugin.spec import spec

ARCHITECTURE = "stacked"


def check_stack(experiment: Experiment) -> None:
    """Whether an experiment can be trained layer by layer, found out without data.

    Raises:
        InputError: It cannot; the message says who and why.
    """
    if experiment.architecture.name != ARCHITECTURE:
        raise InputError(
            f"Only the architecture {ARCHITECTURE!r} is trained layer by layer, but this experiment has "
            f"{experiment.architecture.name!r}. Set architecture={{{ARCHITECTURE}: {{widths: [1000, 1000, 1000]}}}}, "
            "or train it whole with `dae run`."
        )
    shape = check(experiment).clean
    _check_corruption(experiment.corruptor, shape, "the samples")
    for number, width in enumerate(widths(experiment)[:-1], start=2):
        above, code = layer(experiment, number), (width,)
        _check_corruption(above.corruptor, code, f"the codes that layer {number} is trained on")
        try:
            check_objective(above.objective, above.architecture, above.corruptor, code)
        except InputError as error:
            raise InputError(f"Layer {number} is trained on codes of {width} numbers. {error}") from None


def widths(experiment: Experiment) -> tuple[int, ...]:
    """The units of each layer, the lowest first."""
    return tuple(experiment.architecture.options.model_dump()["widths"])


def is_stack(experiment: Experiment) -> bool:
    """Whether there are several layers to be trained one after the other."""
    return experiment.architecture.name == ARCHITECTURE and len(widths(experiment)) > 1


def layer(experiment: Experiment, number: int) -> Experiment:
    """The experiment that trains one layer, from 1: a network of that layer alone, with random streams of its own.

    What comes out of a higher one is shaped as what goes in: the last activation is the one that made the codes. The
    first is just the experiment with its lowest layer, so that stacks which agree so far share it.
    """
    whole = experiment.architecture.options.model_dump(mode="json")
    output = whole["output"] if number == 1 else whole["activation"]
    options = {**whole, "widths": (whole["widths"][number - 1],), "output": output}
    seed = experiment.seed if number == 1 else rng.stream(experiment.seed, "layer", number).initial_seed() % 2**31
    return experiment.model_copy(update={"architecture": spec("architecture", {ARCHITECTURE: options}), "seed": seed})


def _check_corruption(corruptor: Corruptor, shape: Shape, what: str) -> None:
    """Refuse a corruption that cannot be applied to every layer's input, or changes its shape.

    Raises:
        InputError: It does.
    """
    try:
        after = corruptor.output_shape(shape)
    except InputError as error:
        raise InputError(
            f"A stack applies one corruption to the input of every layer, and {corruptor} cannot be applied to {what}. "
            f"{error} For a stack use erasure, salt_pepper or gaussian_noise."
        ) from None
    if after != shape:
        raise InputError(
            f"A stack is trained on clean inputs of the very shape that it restores, but {corruptor} makes {after} of "
            f"{shape}. Use erasure, salt_pepper or gaussian_noise."
        )
