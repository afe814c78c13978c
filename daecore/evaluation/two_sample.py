"""Two-sample accuracy: how well a small classifier learns to tell drawn pictures from real ones.

Half of the questions teach it and the other half tests it, so that no sample of a question it has seen is asked. Knows
pictures as stored. Does not know who drew them.
"""

import torch
from torch import Tensor

from daecore.data.samples import Samples
from daecore.evaluation.recogniser import train_recogniser
from daecore.stats.intervals import Interval, contrast

LEARNT_FROM = 24_000  # pictures, each as often as it takes


def two_sample_accuracy(real: Tensor, drawn: Tensor, *, seed: int, name: str = "two samples") -> Interval:
    """The accuracy of a classifier of real and drawn pictures on held-out ones; 0.5 where nothing tells them apart.

    The mean of the accuracies on both kinds, with Welch's interval over pictures and over questions.

    Args:
        real: uint8 ``(R, C, H, W)``, R >= 4, none of them the truth of a question.
        drawn: uint8 ``(K, N, C, H, W)``, K samples of each of N >= 4 questions.
        seed: Names the classifier's streams, with ``name``.
        name: What is compared.

    Source: Lopez-Paz and Oquab, "Revisiting classifier two-sample tests", ICLR 2017.
    """
    half, middle = drawn.shape[1] // 2, len(real) // 2
    taught = drawn[:, :half].flatten(0, 1)
    count = min(len(taught), middle)  # as many of both kinds
    shown = taught[torch.arange(count, device=drawn.device) * len(taught) // count]
    labels = torch.arange(2, device=real.device).repeat_interleave(count)
    samples = Samples(torch.cat([real[:count], shown]), labels)
    model = train_recogniser(samples, 2, seed=seed, name=name, pictures=LEARNT_FROM)
    right_real = 1 - model.recognise(real[middle:])[1].argmax(1).double()
    asked = drawn[:, half:]
    right_drawn = model.recognise(asked.flatten(0, 1))[1].argmax(1).double().view(len(asked), -1).mean(0)
    return contrast([right_real, right_drawn], [0.5, 0.5])
