"""A peer: deepinv's Trainer. It erases whole batches itself, online; metrics, files and progress bar are off."""

import warnings

import torch
from peer_dataloader import Clean, loader
from setting import ERASED, LEARNING_RATE, SHAPE, Clock, Setting
from torch import Tensor, nn


class Restorer(nn.Module):
    """The network in the form deepinv calls it."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, y: Tensor, physics: object, **more: object) -> Tensor:
        """The restored batch; the physics is not used."""
        return self.network(y).float()


def deepinv(setting: Setting, precision: str, workers: int) -> float:
    """One epoch; bf16 is deepinv's own ``mixed_precision``."""
    import deepinv as dinv

    warnings.filterwarnings("ignore", module="deepinv")  # bf16 off CUDA, which is what is measured

    model = Restorer(setting.network())
    optimiser = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE)
    clock = Clock(optimiser, setting.batch)
    generator = dinv.physics.generator.BernoulliSplittingMaskGenerator(SHAPE, split_ratio=1 - ERASED)
    trainer = dinv.Trainer(
        model,
        physics=dinv.physics.Inpainting(SHAPE),
        physics_generator=generator,
        online_measurements=True,
        optimizer=optimiser,
        train_dataloader=loader(Clean(setting.samples.data), setting.batch, workers),
        epochs=1,
        metrics=None,
        compute_train_metrics=False,
        save_path=None,
        device="cpu",
        mixed_precision="bf16" if precision == "bf16" else False,
        verbose=False,
        show_progress_bar=False,
    )
    trainer.train()
    return clock.images_per_second
