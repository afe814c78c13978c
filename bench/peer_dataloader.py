"""A peer: the loop of every tutorial. A DataLoader with per-image transforms, AdamW, five lines a step."""

import torch
from PIL import Image
from setting import ERASED, LEARNING_RATE, Clock, Setting
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from daecore.place import autocast


class Erased(Dataset[tuple[Tensor, Tensor]]):
    """Pairs of corrupted and clean image, made one at a time, by way of PIL as torchvision's MNIST does."""

    def __init__(self, images: Tensor) -> None:
        self.images = images.squeeze(1).numpy()
        self.transform = transforms.ToTensor()

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        clean = self.transform(Image.fromarray(self.images[index]))
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
