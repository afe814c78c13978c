"""A peer: the loop of every tutorial. A DataLoader with per-image transforms, AdamW, five lines a step.

The transforms are the ones torchvision's documentation recommends (v2: `ToImage`, then `ToDtype`), on PIL images,
which is what torchvision's own MNIST gives. Its older `ToTensor` takes half the time for an image.
"""

import torch
from PIL import Image
from setting import ERASED, LEARNING_RATE, Clock, Setting
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2

from daecore.device import autocast


class Clean(Dataset[Tensor]):
    """Clean images, one at a time, by way of PIL as torchvision's MNIST does."""

    def __init__(self, images: Tensor) -> None:
        self.images = images.squeeze(1).numpy()
        self.transform = v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32, scale=True)])

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> Tensor:
        return self.transform(Image.fromarray(self.images[index]))


class Erased(Clean):
    """Pairs of corrupted and clean image."""

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        clean = super().__getitem__(index)
        return clean * (torch.rand(clean.shape) >= ERASED), clean


def loader(dataset: Dataset, batch: int, workers: int) -> DataLoader:
    """Shuffled whole batches."""
    return DataLoader(dataset, batch_size=batch, shuffle=True, num_workers=workers, drop_last=True)


def dataloader(setting: Setting, precision: str, workers: int) -> float:
    """One epoch."""
    model = setting.network().train()
    optimiser = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE)
    clock = Clock(optimiser, setting.batch)
    for corrupted, clean in loader(Erased(setting.samples.data), setting.batch, workers):
        optimiser.zero_grad()
        with autocast(clean.device, precision):
            loss = nn.functional.mse_loss(model(corrupted).float(), clean)
        loss.backward()
        optimiser.step()
    return clock.images_per_second
