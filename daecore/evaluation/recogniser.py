"""Recogniser: a small independent classifier of pictures, which says what a sample looks like.

It has never seen the network that is evaluated, nor its pictures. The same class tells real from drawn (see
`daecore.evaluation.two_sample`). Knows labelled pictures. Does not know what it will be shown.
"""

import torch
from torch import Tensor, nn

from daecore.data.samples import Samples, as_float
from daecore.rng import stream
from daecore.training.loop import fit
from daecore.training.loss import classification
from daecore.training.options import TrainingOptions

FEATURES = 64
SIZE = 1000  # pictures seen at once where nothing is trained
LEARNT_FROM = 200_000  # pictures, each as often as it takes, and at most `EPOCHS` times
EPOCHS = 20


class Recogniser(nn.Module):
    """Three convolutions, 64 features, one linear layer: ``(B, C, H, W) -> (B, classes)``, pictures of any size.

    Args:
        channels: Of a picture.
        classes: How many there are.
    """

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, 16, 5, stride=2, padding=2), nn.ReLU(),
            nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.ReLU(),
            nn.Conv2d(32, 64, 3, stride=2, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(3), nn.Flatten(),
            nn.Linear(576, FEATURES), nn.ReLU(),
        )  # fmt: skip
        self.layer = nn.Linear(FEATURES, classes)

    def forward(self, pictures: Tensor) -> Tensor:
        """The logits of a batch."""
        logits: Tensor = self.layer(self.body(pictures))
        return logits

    @torch.inference_mode()
    def recognise(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Features ``(B, 64)`` and probabilities ``(B, classes)`` of pictures, uint8 or float32; nothing is trained."""
        self.eval()
        features = torch.cat([self.body(as_float(some)).float() for some in pictures.split(SIZE)])
        return features, self.layer(features).softmax(1)


def train_recogniser(
    samples: Samples, classes: int, *, seed: int, name: str = "recogniser", pictures: int = LEARNT_FROM
) -> Recogniser:
    """Train a classifier on labelled pictures; about 20 seconds of one core for pictures of 28 x 28.

    Args:
        samples: Labelled pictures.
        classes: How many there are.
        seed: Names, with ``name``, its first weights and its streams.
        name: What it is for.
        pictures: How many it sees in all, at least; a larger set is learnt from so many, drawn at random.
    """
    if len(samples) > pictures:
        samples = samples.select(torch.randperm(len(samples), generator=stream(seed, name, "pictures"))[:pictures])
    start = int(torch.randint(2**31, (), generator=stream(seed, name, "weights")))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(start)
        model = Recogniser(samples.shape[0], classes).to(samples.device)
    epochs = min(EPOCHS, max(1, -(-pictures // len(samples))))
    options = TrainingOptions(epochs=epochs, batch=128, learning_rate=4e-3, precision="float32")
    for _ in fit(model, classification, samples, options, seed=start):
        pass
    return model.eval()
