"""The loop on a CUDA device: it never waits within an epoch, keeps up with bare compute, and restores as on the CPU."""

import time
from collections.abc import Iterator

import pytest
import torch
from torch import nn

from daecore.corruption.corruptor import Corruptor
from daecore.data.samples import Batch, Samples
from daecore.device import autocast
from daecore.model.autoencoder import Shapes, initialise
from daecore.plugin.spec import spec
from daecore.stats.metrics import psnr
from daecore.training.loop import TrainingOptions, fit

pytestmark = pytest.mark.gpu

SHAPES = Shapes((1, 28, 28), (1, 28, 28))
ERASURE = Corruptor((spec("corruption", {"erasure": {"p": 0.5}}),))
CLEAN = spec("objective", "mse")
OBJECTIVE = CLEAN.extension.function(CLEAN.options, ERASURE)


def network() -> nn.Module:
    return initialise(spec("architecture", "conv"), SHAPES, 0)


def pictures(count: int) -> Samples:
    """Bright rectangles: something that can be restored."""
    generator = torch.Generator().manual_seed(0)
    images = torch.zeros(count, 1, 28, 28, dtype=torch.uint8)
    corners = torch.randint(2, 14, (count, 4), generator=generator).tolist()
    for image, (top, left, height, width) in zip(images, corners, strict=True):
        image[:, top : top + height, left : left + width] = 200
    return Samples(images)


@pytest.fixture
def _waiting_allowed_again() -> Iterator[None]:
    yield
    torch.cuda.set_sync_debug_mode("default")


@pytest.mark.usefixtures("_waiting_allowed_again")
def test_an_epoch_waits_once_at_its_end():
    """No step synchronises with the device, from the first one until the last is queued; then the mean loss does."""
    samples, steps = pictures(1000).to("cuda"), iter(range(1, 11))

    def watched(model: nn.Module, batch: Batch, generator: torch.Generator) -> torch.Tensor:
        loss = OBJECTIVE(model, batch, generator)
        torch.cuda.set_sync_debug_mode("default" if next(steps) == 10 else "error")
        return loss

    epochs = list(fit(network(), watched, samples, TrainingOptions(epochs=1, batch=100), seed=0))
    assert next(steps, "all seen") == "all seen"
    assert epochs[0].loss > 0


def test_the_loop_keeps_up_with_bare_compute():
    """Data, corruption and schedule cost at most a tenth of the time of the same steps on one fixed batch."""
    samples = pictures(20_000).to("cuda")
    options = TrainingOptions(epochs=4, batch=256, device="cuda")
    ours = [epoch.images_per_second for epoch in fit(network(), OBJECTIVE, samples, options, seed=0)][1:]
    bare = [_bare(samples, options) for _ in range(4)][1:]
    assert sorted(ours)[1] >= 0.9 * sorted(bare)[1]


def test_a_gpu_restores_as_well_as_a_cpu():
    """The same training on either device ends within 0.1 dB, evaluated on the same pictures."""
    found = {device: _restored_db(device) for device in ("cpu", "cuda")}
    assert found["cuda"] == pytest.approx(found["cpu"], abs=0.1)


def _bare(samples: Samples, options: TrainingOptions) -> float:
    model = network().to("cuda", memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True)
    batch = samples.batch(torch.arange(options.batch, device="cuda"))
    steps = len(samples) // options.batch
    torch.cuda.synchronize()
    began = time.perf_counter()
    for _ in range(steps):
        with autocast(samples.device, "bf16"):
            loss = nn.functional.mse_loss(model(batch.clean).float(), batch.clean)
        loss.backward()
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
    torch.cuda.synchronize()
    return steps * options.batch / (time.perf_counter() - began)


def _restored_db(device: str) -> float:
    model, samples = network(), pictures(4000)
    options = TrainingOptions(epochs=8, batch=100, precision="float32")
    for _ in fit(model, OBJECTIVE, samples.to(device), options, seed=0):
        pass
    clean = samples.batch(torch.arange(1000)).clean
    corrupted = ERASURE(clean, torch.Generator().manual_seed(0)).x
    with torch.inference_mode():
        return psnr(model.cpu()(corrupted), clean).mean().item()
