"""What one process of a world does for `test_world`: every case, and what it ended with, as JSON.

python world_cases.py DIR SIZE RANK
"""

import json
import logging
import os
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, distributed, nn

from daecore.corruption.corruptor import Corruptor
from daecore.data.samples import Batch, Samples
from daecore.errors import InputError
from daecore.model.autoencoder import Shapes, initialise
from daecore.plugin.spec import spec
from daecore.training.checkpoint import load_training_state, save_training_state
from daecore.training.joining import join_world
from daecore.training.loop import Epoch, fit
from daecore.training.loss import Loss
from daecore.training.options import TrainingOptions
from daecore.training.world import ALONE, World

GENERATOR = torch.Generator().manual_seed(1)
IMAGES = Samples(torch.randint(0, 256, (50, 1, 8, 8), dtype=torch.uint8, generator=GENERATOR))
HELD_OUT = Samples(torch.randint(0, 256, (11, 1, 8, 8), dtype=torch.uint8, generator=GENERATOR))
ERASURE = Corruptor((spec("corruption", {"erasure": {"p": 0.5}}),))
GAUSSIAN = Corruptor((spec("corruption", {"gaussian_noise": {"sigma": 0.3, "clip": False}}),))
SHAPES = Shapes((1, 8, 8), (1, 8, 8))


def options(**changes: Any) -> TrainingOptions:
    given = {"epochs": 3, "batch": 16, "learning_rate": 1e-2, "precision": "float32"} | changes
    return TrainingOptions.model_validate(given)


def objective(name: str, corruptor: Corruptor = GAUSSIAN, **given: Any) -> Loss:
    chosen = spec("objective", {name: given})
    loss: Loss = chosen.extension.function(chosen.options, corruptor)
    return loss


def network(name: str = "dense", seed: int = 0) -> nn.Module:
    widths = {"dense": [32], "conv": [4, 8]}[name]
    return initialise(spec("architecture", {name: {"widths": widths, "code": 8}}), SHAPES, seed)


class Experts(nn.Module):
    """Bright rows go one way, dark ones another: of few rows none may go one of them."""

    def __init__(self) -> None:
        super().__init__()
        self.bright, self.dark = network(seed=1), network(seed=2)

    def forward(self, x: Tensor) -> Tensor:
        bright = x.flatten(1).mean(1) > 0.5
        out = torch.empty_like(x)
        for chosen, expert in ((bright, self.bright), (~bright, self.dark)):
            if chosen.any():
                out[chosen] = expert(x[chosen])
        return out


class Twice(nn.Module):
    """It calls itself."""

    def __init__(self) -> None:
        super().__init__()
        self.once = network()

    def forward(self, x: Tensor, *, again: bool = True) -> Tensor:
        out: Tensor = self(self.once(x), again=False) if again else self.once(x)
        return out


class Unbatched(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))

    def forward(self, x: Tensor) -> Tensor:
        return (self.weight * x).mean()


def of_the_gradient(model: nn.Module, batch: Batch, generator: torch.Generator) -> Tensor:
    """A penalty on how the output moves with the input: the network's gradient for its input."""
    x = batch.clean.clone().requires_grad_()
    [moved] = torch.autograd.grad(model(x).square().sum(), x, create_graph=True)
    return moved.square().mean() + (model(batch.clean) - batch.clean).square().mean()


def sampler() -> nn.Module:
    return initialise(spec("architecture", {"unet": {"widths": [8, 16], "sampler": True}}), SHAPES, 0)


class Heard(logging.Handler):
    """What was said."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


def of_the_weights(model: nn.Module, batch: Batch, generator: torch.Generator) -> Tensor:
    """A penalty on the gradient for the weights, of which each process has its share."""
    error = (model(batch.clean) - batch.clean).square().mean()
    gradients = torch.autograd.grad(error, list(model.parameters()), create_graph=True)
    return error + 10 * sum((gradient.square().sum() for gradient in gradients), torch.zeros(()))


def main(folder: Path, world: World) -> dict[str, Any]:
    def train(model: nn.Module, loss: Loss, samples: Samples = IMAGES, **more: Any) -> list[float]:
        given = {key: more.pop(key) for key in ("validation", "resume") if key in more}
        epochs: list[Epoch] = list(fit(model, loss, samples, options(**more), seed=0, world=world, **given))
        weights = [value.double().sum().item() for value in model.state_dict().values()]
        first = next(model.parameters()).flatten()[:50].tolist()
        losses = [number for epoch in epochs for number in (epoch.loss, epoch.validation_loss) if number is not None]
        return [*losses, *first, *(value / 100 for value in weights)]

    found: dict[str, Any] = {
        "mse": train(network("conv"), objective("mse", ERASURE), validation=HELD_OUT),
        "flow": train(sampler(), objective("flow", ERASURE), epochs=2),
        "ragged": train(network(), objective("mse", ERASURE), batch=7),
        "tiny": train(network(), objective("mse", ERASURE), batch=49),  # one sample is left, for whom there is no share
        "average": train(network(), objective("mse"), average=0.9, validation=HELD_OUT),
        "once": train(network(), objective("mse"), noise="once", layer_decay=0.5),
        "patience": train(network(), objective("mse"), learning_rate=3e-2, epochs=9, patience=2, validation=HELD_OUT),
        "experts": train(Experts(), objective("mse"), batch=3),
        "twice": train(Twice(), objective("mse")),
        "gradient": train(network(), of_the_gradient),
        "resumed": resumed(folder, world),
    }
    for name in ("sure", "noise2noise", "noise2self", "contractive", "weight_decay"):
        found[name] = train(network(), objective(name))
    found["emphasised"] = train(network(), objective("emphasised", ERASURE))
    found["cross_entropy"] = train(nn.Sequential(network(), nn.Sigmoid()), objective("cross_entropy", ERASURE))
    torch.manual_seed(0)
    normalising = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.BatchNorm2d(2), nn.Conv2d(2, 1, 1))
    told = Heard()
    logging.getLogger("daecore").addHandler(told)
    found["statistics"] = train(normalising, objective("mse"), average=0.5, validation=HELD_OUT)
    found["told"] = told.lines
    found["refused"] = []
    if world.size > 1:
        for model, loss in (
            (Unbatched(), lambda model, batch, generator: model(batch.clean)),
            (network(), of_the_weights),
        ):
            try:
                train(model, loss)
            except InputError as error:
                found["refused"].append(str(error))
    return found


def resumed(folder: Path, world: World) -> list[float]:
    """Stopped and gone on with: the first process alone has the checkpoint, and all begin with other weights."""
    path, given = folder / f"checkpoint-{world.rank}", options(average=0.5, patience=5)
    for epoch in fit(network(), objective("mse"), IMAGES, given, seed=0, world=world, validation=HELD_OUT):
        if epoch.number == 2:
            save_training_state(path, epoch.state)
            break
    model = network(seed=world.rank)
    resume = load_training_state(path) if world.leads else None
    for _ in fit(model, objective("mse"), IMAGES, given, seed=0, world=world, validation=HELD_OUT, resume=resume):
        pass
    whole = network()
    for _ in fit(whole, objective("mse"), IMAGES, given, seed=0, world=world, validation=HELD_OUT):
        pass
    pairs = zip(model.state_dict().values(), whole.state_dict().values(), strict=True)
    assert all(torch.equal(ours, theirs) for ours, theirs in pairs), "a resumed training has other weights"
    return next(whole.parameters()).flatten()[:50].tolist()


if __name__ == "__main__":
    place, size, rank = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    torch.set_num_threads(1)
    os.environ["GLOO_SOCKET_IFNAME"] = "lo"
    mine = World(rank, size)
    met: AbstractContextManager[World] = nullcontext(ALONE)
    if size > 1:
        met = join_world(store=distributed.FileStore(str(place / "meeting"), size), world=mine)
    with met as joined:
        (place / f"{rank}.json").write_text(json.dumps(main(place, joined)))
