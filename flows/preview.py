"""Preview: a few test images, restored again and again while a network learns, to be watched getting better."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from daecore.corruption import Corruptor
from daecore.evaluation import restore
from daecore.pairs import draw_pairs

from .datasets import splits_of
from .records import TrainingRequest

SHOWN, WATCHED = 12, 20  # test images that are watched, and how often at most: a picture costs more than a short epoch


@dataclass(frozen=True)
class Preview:
    """The first test images as evaluation corrupts them, to be watched getting better; none for points and codes."""

    corrupted: Tensor | None
    epochs: int

    def shows(self, epoch: int) -> bool:
        """Whether this epoch is one of those, evenly spread, whose picture is kept."""
        step = WATCHED * epoch // self.epochs != WATCHED * (epoch - 1) // self.epochs
        return self.corrupted is not None and step

    @classmethod
    def of(cls, request: TrainingRequest) -> "Preview":
        """What is watched of a training."""
        test = splits_of(request.dataset, request.place.device).test[0]
        images = len(test.shape) == 3 and not request.below
        return cls(
            draw_pairs(test, Corruptor(request.corruptions), SHOWN).corrupted if images else None,
            request.training.epochs,
        )

    def restored(self, model: nn.Module) -> NDArray[np.uint8]:
        """What the network makes of them now, side by side: ``(H, SHOWN * W, channels)``."""
        if self.corrupted is None:
            raise ValueError("there is no picture of points")
        images = restore(model, self.corrupted).clamp(0, 1).mul(255).round().to("cpu", torch.uint8)
        row = torch.cat(list(images), dim=2).permute(1, 2, 0).numpy()
        return row.squeeze(2) if row.shape[2] == 1 else row
