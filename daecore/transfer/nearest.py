"""Nearest: what a code is good for without any training: the labels of the nearest codes vote.

Knows codes and labels. Does not know encoders.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from daecore.data.samples import Samples
from daecore.errors import InputError

ROWS = 500  # codes classified at once: beside 55,000 known ones, distances of 110 MB


@torch.inference_mode()
def nearest_errors(known: Samples, evaluated: Samples, classes: int, neighbours: Sequence[int]) -> list[float]:
    """The error in percent of a vote among the nearest codes, for several numbers of neighbours at once.

    Distances are Euclidean; each neighbour has one vote, and of classes with equally many the first one wins. A
    number above that of the known codes is cut to it.

    Args:
        known: float32 codes ``(N, F)`` with labels.
        evaluated: float32 codes ``(M, F)`` with labels.
        classes: The number of classes.
        neighbours: How many codes vote, each at least 1.

    Raises:
        InputError: There are no labels.

    Source: Cover and Hart, "Nearest neighbor pattern classification", IEEE Trans. Information Theory 13(1), 1967.
    """
    if known.labels is None or evaluated.labels is None:
        raise InputError("The vote of the nearest codes needs labels, and these codes have none.")
    counts = [min(k, len(known)) for k in neighbours]
    square = known.data.square().sum(1)
    wrong = torch.zeros(len(counts), device=known.device)
    for part, labels in zip(evaluated.data.split(ROWS), evaluated.labels.split(ROWS), strict=True):
        distance = torch.addmm(square, part, known.data.T, alpha=-2)  # (B, N), without the part's own square
        order = distance.topk(max(counts), largest=False).indices
        votes = F.one_hot(known.labels[order], classes).cumsum(1)  # (B, k, classes)
        wrong += torch.stack([(_winner(votes[:, k - 1]) != labels).sum() for k in counts])
    return [100 * count / len(evaluated) for count in wrong.tolist()]


def _winner(votes: Tensor) -> Tensor:
    """The first of the classes with most votes, ``(B, classes) -> (B,)``."""
    classes = votes.shape[1]
    return (votes * classes - torch.arange(classes, device=votes.device)).argmax(1)
