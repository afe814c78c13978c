"""Training an error network after the fact: the network that restores is frozen, and its errors are what is learnt.

Knows the training loop. Does not know what bounds are made of the answer.
"""

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from daecore import rng
from daecore.corruption.corruptor import Corruptor
from daecore.corruption.pairs import draw_positions
from daecore.data.samples import Batch, Samples
from daecore.device import Precision
from daecore.training.loop import fit
from daecore.training.loss import Loss
from daecore.training.options import TrainingOptions
from daecore.uncertainty.binned_spread import bin_of
from daecore.uncertainty.error_network import ErrorNetwork

LEARNING_RATE, BATCH = 5e-3, 64


def train_error_network(
    model: nn.Module, corruptor: Corruptor, samples: Samples, *, examples: int, seed: int, precision: Precision
) -> ErrorNetwork:
    """An error network for a trained network, which stays as it is.

    Args:
        model: Restores; on the samples' device.
        corruptor: What it was trained to undo.
        samples: What it was trained on.
        examples: How many pictures are corrupted and restored for it, some of them several times if there are fewer.
        seed: Names the streams of weights, order and noise.
        precision: Of both networks.

    Returns:
        The network, in evaluation mode, on the samples' device.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(rng.stream(seed, "error network", "weights").initial_seed())
        network = ErrorNetwork(samples.shape[0])
    passes = -(-examples // len(samples))
    some = samples.select(draw_positions(len(samples), examples // passes, "error network").to(samples.device))
    options = TrainingOptions(
        epochs=passes, batch=min(BATCH, len(some)), learning_rate=LEARNING_RATE, precision=precision
    )
    for _ in fit(network, _log_loss(model.eval(), corruptor), some, options, seed=seed):
        pass
    return network.eval()


def _log_loss(restorer: nn.Module, corruptor: Corruptor) -> Loss:
    """The mean of ``-log p(error)``, in nats: least for the true distribution."""

    def loss(model: nn.Module, batch: Batch, generator: Generator) -> Tensor:
        corrupted = corruptor(batch.clean, generator).x
        with torch.no_grad():
            restored = restorer(corrupted).float().clamp(0, 1)
        return F.cross_entropy(model(corrupted, restored).float(), bin_of(batch.clean - restored))

    return loss
