"""The loop on CUDA devices: it never waits within an epoch, keeps up with bare compute, and restores as on the CPU."""

import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import nn

from daecore.corruption.corruptor import Corruptor
from daecore.data.samples import Batch, Samples
from daecore.data.source_views import Fetched
from daecore.device import autocast
from daecore.errors import InputError
from daecore.model.autoencoder import Shapes, initialise
from daecore.plugin.spec import spec
from daecore.stats.metrics import psnr
from daecore.training.checkpoint import load_training_state, save_training_state
from daecore.training.joining import join_world
from daecore.training.loop import fit
from daecore.training.options import TrainingOptions
from daecore.training.world import World

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


def test_a_stopped_training_goes_on(tmp_path: Path):
    """From the checkpoint of an epoch to weights as near to those of one that never stopped as two runs are."""
    samples, path = pictures(1000).to("cuda"), tmp_path / "checkpoint"
    options = TrainingOptions(epochs=4, batch=100, precision="float32")
    whole, resumed = network(), network()
    for epoch in fit(whole, OBJECTIVE, samples, options, seed=0):
        if epoch.number == 2:
            save_training_state(path, epoch.state)
    for _ in fit(resumed, OBJECTIVE, samples, options, seed=0, resume=load_training_state(path)):
        pass
    for ours, theirs in zip(resumed.parameters(), whole.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-4)


@pytest.fixture
def _small_card() -> Iterator[None]:
    """A card of 256 MiB, of which other tests hold nothing."""
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(2**28 / torch.cuda.get_device_properties(0).total_memory)
    yield
    torch.cuda.set_per_process_memory_fraction(1.0)
    torch.cuda.empty_cache()


@pytest.mark.usefixtures("_small_card")
def test_a_set_larger_than_the_card_is_trained_on(monkeypatch: pytest.MonkeyPatch):
    """What does not fit is read by the batch: 400 MiB of pictures on a card of 256."""
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device=None: (2**28, 2**28))
    data = torch.zeros(400 * 2**20 // 784, 1, 28, 28, dtype=torch.uint8)
    samples = Samples(data).to("cuda")
    assert isinstance(samples.source, Fetched)
    [epoch] = fit(network(), OBJECTIVE, samples, TrainingOptions(epochs=1, batch=4096), seed=0)
    assert epoch.loss >= 0


@pytest.mark.usefixtures("_small_card")
def test_a_step_that_does_not_fit_names_a_batch_that_does():
    """And with that batch the training runs."""
    samples = pictures(20_000).to("cuda")
    with pytest.raises(InputError, match=r"training\.batch=\d+") as refused:
        list(fit(network(), OBJECTIVE, samples, TrainingOptions(epochs=1, batch=20_000), seed=0))
    batch = int(re.findall(r"training\.batch=(\d+)", str(refused.value))[0])
    [epoch] = fit(network(), OBJECTIVE, samples, TrainingOptions(epochs=1, batch=batch), seed=0)
    assert epoch.loss > 0


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two CUDA devices")
def test_two_devices_give_the_weights_of_one(tmp_path: Path):
    """Each on a device of its own, by NCCL."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    torch.multiprocessing.spawn(_train_together, (port, str(tmp_path / "weights")), nprocs=2)
    alone = network()
    for _ in fit(alone, OBJECTIVE, pictures(1000).to("cuda"), TOGETHER, seed=0):
        pass
    for ours, theirs in zip(torch.load(tmp_path / "weights"), alone.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs.detach().cpu(), rtol=1e-3, atol=1e-4)


TOGETHER = TrainingOptions(epochs=1, batch=100, precision="float32")


def _train_together(rank: int, port: int, path: str) -> None:
    store = torch.distributed.TCPStore("127.0.0.1", port, 2, is_master=rank == 0)
    with join_world("cuda", store=store, world=World(rank, 2)) as world:
        model = network()
        for _ in fit(model, OBJECTIVE, pictures(1000).to("cuda"), TOGETHER, seed=0, world=world):
            pass
        if world.leads:
            torch.save([value.detach().cpu() for value in model.parameters()], path)


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
