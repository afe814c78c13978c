"""Ours: the loop of daecore, and the bare compute that no loop can beat."""

import torch
from setting import LEARNING_RATE, Clock, Setting
from torch import nn

from daecore.data.samples import as_float
from daecore.device import autocast, keep_memory, resolve_device
from daecore.plugin.spec import spec
from daecore.training.loop import fit
from daecore.training.options import TrainingOptions


def ours(setting: Setting, precision: str) -> float:
    """`fit` as the pipeline calls it; the second epoch's images a second."""
    clean = spec("objective", "mse")
    objective = clean.extension.function(clean.options, setting.corruptor)
    options = TrainingOptions(
        epochs=2, batch=setting.batch, learning_rate=LEARNING_RATE, precision=precision, device="cpu"
    )
    with resolve_device("cpu", precision).apply():
        *_, last = fit(setting.network(), objective, setting.samples, options, seed=0)
    return last.images_per_second


def bare(setting: Setting, precision: str) -> float:
    """Forward, backward and step on one corrupted batch, again and again: no data, no corruption, no schedule.

    It keeps its memory as `fit` does in the pipeline, else it would be no limit.
    """
    keep_memory()
    model = setting.network().to(memory_format=torch.channels_last).train()
    optimiser = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, fused=True)
    clock = Clock(optimiser, setting.batch)
    clean = as_float(setting.samples.data[: setting.batch])
    corrupted = setting.corruptor(clean, torch.Generator().manual_seed(0)).x
    for _ in range(len(setting.samples) // setting.batch + 1):
        with autocast(clean.device, precision):
            restored = model(corrupted)
            loss = nn.functional.mse_loss(restored.float(), clean)
        loss.backward()
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
    return clock.images_per_second
