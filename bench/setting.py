"""What every contender gets: the same network, data, corruption and batch, and the same clock."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from daecore import Corruptor, Samples, stream
from daecore.model.autoencoder import Shapes, initialise
from daecore.plugin.spec import ArchitectureSpec, spec

SHAPE = (1, 28, 28)
ERASED = 0.5
LEARNING_RATE = 1e-3
WARM_UP = 3  # steps that are not timed: workers start, memory is allocated, kernels are chosen


@dataclass(frozen=True)
class Setting:
    """One network with the images it is trained on."""

    architecture: ArchitectureSpec
    batch: int
    samples: Samples

    @property
    def corruptor(self) -> Corruptor:
        """Half of the pixels go dark."""
        return Corruptor((spec("corruption", {"erasure": {"p": ERASED}}),))

    def network(self) -> nn.Module:
        """The same first weights for everyone."""
        return initialise(self.architecture, Shapes(SHAPE, SHAPE), 0)


class Clock:
    """Images a second between an optimiser's steps: everything a training does in between is counted."""

    def __init__(self, optimiser: torch.optim.Optimizer, batch: int) -> None:
        self.batch, self.marks = batch, []
        optimiser.register_step_post_hook(lambda *_: self.marks.append(time.perf_counter()))

    @property
    def images_per_second(self) -> float:
        """From the last step of the warm-up to the last step of all."""
        timed = self.marks[WARM_UP - 1 :]
        return self.batch * (len(timed) - 1) / (timed[-1] - timed[0])


NETWORKS = {"dense": {"widths": [512, 256], "code": 32}, "conv": {"widths": [32, 64], "code": 64}}
BATCHES = {"dense": 512, "conv": 256}


def setting(network: str, steps: int) -> Setting:
    """A network with images for so many steps of a conv epoch, and twice as many of a dense one."""
    batch = BATCHES[network]
    count = batch * steps * (2 if network == "dense" else 1)
    return Setting(spec("architecture", {network: NETWORKS[network]}), batch, Samples(images()[0][:count]))


def images() -> tuple[torch.Tensor, str]:
    """uint8 ``(N, 1, 28, 28)``, and what they are: MNIST from DAE_DATA, or random pictures of its shape."""
    cache = Path(os.environ.get("DAE_DATA", Path.home() / ".cache" / "daecore"))
    if (cache / "mnist" / "train-images-idx3-ubyte").exists():
        found = spec("dataset", "mnist")
        return found.extension.function(found.options, cache=cache).train.data, "MNIST"
    shape, generator = (55_000, *SHAPE), stream(0, "bench")
    noise = torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)
    return noise, "random pictures of MNIST's shape (no MNIST in DAE_DATA)"
