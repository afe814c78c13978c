"""What is logged while a network learns: its losses, and a few test images to be watched getting better."""

import math
import time
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from daecore.data.samples import as_uint8
from daecore.model.restore import restore
from daecore.training.loop import Epoch

from ..store.tracking import Outbox

SHOWN_AS = "restored"  # under which key MLflow's grid has the pictures
WRITE_SECONDS = 1.0  # between metrics and checkpoints: a short epoch takes no longer than to write them
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

    def restore_shown(self, model: nn.Module) -> NDArray[np.uint8]:
        """What the network makes of them now, side by side: ``(H, SHOWN * W, channels)``."""
        if self.corrupted is None:
            raise ValueError("there is no picture of points")
        images = as_uint8(restore(model, self.corrupted)).cpu()
        row = torch.cat(list(images), dim=2).permute(1, 2, 0).numpy()
        return row.squeeze(2) if row.shape[2] == 1 else row


class EpochLog:
    """What is logged of the epochs: at once where they take long, a second's worth together where they are short.

    Args:
        outbox: Tells it to MLflow.
        preview: What is watched.
        known: Epochs that were logged before.
        pictured: Epochs whose picture was: a process may have ended between the two.
    """

    def __init__(
        self, outbox: Outbox, preview: Preview, known: Collection[int], pictured: Collection[int] = ()
    ) -> None:
        self.outbox, self.preview, self.known, self.pictured = outbox, preview, known, pictured
        self.pending: dict[int, dict[str, float]] = {}
        self.written = -math.inf

    def __enter__(self) -> "EpochLog":
        return self

    def __exit__(self, *error: object) -> None:
        self.write()

    @property
    def due(self) -> bool:
        """Whether it is time to write; after the first epoch it always is."""
        return time.monotonic() - self.written > WRITE_SECONDS

    def add(self, epoch: Epoch) -> None:
        """Note an epoch, unless it was logged before the training was resumed."""
        if epoch.number in self.known:
            return
        metrics = {"loss": epoch.loss, "epoch_seconds": epoch.seconds, "images_per_second": epoch.images_per_second}
        if epoch.validation_loss is not None:
            metrics["validation_loss"] = epoch.validation_loss
        if self.preview.shows(epoch.number) and epoch.number not in self.pictured:
            self.outbox.put_picture(self.preview.restore_shown(epoch.model), SHOWN_AS, epoch.number)
        self.pending[epoch.number] = metrics

    def write(self) -> None:
        """Log what was noted; an interrupt in between leaves it to whoever goes on, and nothing is logged twice."""
        noted, self.pending, self.written = self.pending, {}, time.monotonic()
        self.outbox.put_metrics(noted)
