"""A peer: pytorch-lightning's Trainer on the same DataLoader, logging, checkpoints and progress bar off."""

import logging
import warnings

import torch
from peer_dataloader import Erased, loader
from setting import LEARNING_RATE, Clock, Setting
from torch import Tensor, nn


def lightning(setting: Setting, precision: str, workers: int) -> float:
    """One epoch; bf16 is lightning's own ``bf16-mixed``."""
    import pytorch_lightning as pl

    class Denoiser(pl.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.network = setting.network()

        def training_step(self, batch: tuple[Tensor, Tensor], number: int) -> Tensor:
            return nn.functional.mse_loss(self.network(batch[0]).float(), batch[1])

        def configure_optimizers(self) -> torch.optim.Optimizer:
            optimiser = torch.optim.AdamW(self.parameters(), lr=LEARNING_RATE)
            self.clock = Clock(optimiser, setting.batch)
            return optimiser

    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="pytorch_lightning")
    trainer = pl.Trainer(
        max_epochs=1,
        accelerator="cpu",
        precision="bf16-mixed" if precision == "bf16" else "32-true",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    model = Denoiser()
    trainer.fit(model, loader(Erased(setting.samples.data), setting.batch, workers))
    return model.clock.images_per_second
