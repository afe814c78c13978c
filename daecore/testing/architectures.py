"""Checks of architectures: shapes, gradients, first weights, the export that MLflow keeps, and drawing."""

import warnings

import torch
from torch import nn

from daecore.data.batch_source import Shape
from daecore.model.autoencoder import Autoencoder, parameter_count
from daecore.model.sampler import Sampler
from daecore.plugin.kinds import Architecture
from daecore.rng import stream
from daecore.testing.contract import Check, NotChecked, Subject, Violation, tried_shapes

HALVED: tuple[tuple[Shape, Shape], ...] = (((1, 14, 14), (1, 28, 28)), ((3, 14, 14), (3, 28, 28)))


def networks(subject: Subject[Architecture]) -> list[tuple[Autoencoder, Shape, Shape]]:
    """A network for each pair of corrupted and clean shape it can be built for, of those that are tried.

    Raises:
        Violation: There is none.
    """
    tried = [(shape, shape) for shape in tried_shapes(subject)]
    tried += [pair for pair in HALVED if subject.extension.takes(pair[0])]
    built = [(_build(subject, pair), *pair) for pair in tried]
    found = [(network, *pair) for network, *pair in built if network is not None]
    if not found:
        raise Violation(
            f"an architecture for {subject.extension.shapes} to be built for one of {tried}",
            "each raised ValueError",
            "Raise ValueError only for shapes that it cannot map.",
        )
    return found  # type: ignore[return-value]


def _build(subject: Subject[Architecture], pair: tuple[Shape, Shape]) -> Autoencoder | None:
    """The network with first weights from a named stream; None where it says that it cannot map these shapes."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(stream(0, "contract").initial_seed())
        try:
            built = subject.extension.function(subject.options, input_shape=pair[0], output_shape=pair[1])
        except ValueError:
            return None
    if not isinstance(built, Autoencoder):
        raise Violation(
            "a daecore.Autoencoder", f"{type(built).__name__} came", "Return Autoencoder(encoder, decoder)."
        )
    return built


def _shapes(subject: Subject[Architecture]) -> str:
    found = networks(subject)
    for network, corrupted, clean in found:
        for count in (1, 3):
            restored = network.eval()(torch.rand(count, *corrupted))
            if tuple(restored.shape) != (count, *clean):
                raise Violation(
                    f"{(count, *clean)} from {(count, *corrupted)}",
                    f"{tuple(restored.shape)} came",
                    "Odd sizes lose a pixel when halved: give it back, or raise ValueError.",
                )
    return ", ".join(f"{'x'.join(map(str, a))} to {'x'.join(map(str, b))}" for _, a, b in found)


def _codes(subject: Subject[Architecture]) -> str:
    network, corrupted, _ = networks(subject)[0]
    code = network.eval().encoder(torch.rand(3, *corrupted))
    if not isinstance(code, torch.Tensor) or code.shape[0] != 3:
        raise Violation(
            "encoder(batch) to be one tensor (B, ...)",
            f"{type(code).__name__} came",
            "Let .encoder map a batch to codes; classifiers are built on it.",
        )
    return f"{code[0].numel()} numbers, {parameter_count(network):,} parameters"


def _gradients(subject: Subject[Architecture]) -> None:
    network, corrupted, clean = networks(subject)[0]
    network.train()
    nn.functional.mse_loss(network(torch.rand(8, *corrupted)), torch.rand(8, *clean)).backward()
    for name, parameter in network.named_parameters():
        if parameter.requires_grad and parameter.grad is None:
            raise Violation(
                "a gradient for every parameter", f"{name} has none", "Use it in forward, or do not register it."
            )
        if parameter.grad is not None and not torch.isfinite(parameter.grad).all():
            raise Violation(
                "finite gradients", f"that of {name} is not", "Look for a division by zero or a root of it."
            )


def _first_weights(subject: Subject[Architecture]) -> None:
    (first, *_), (second, *_) = networks(subject)[0], networks(subject)[0]
    for (name, one), other in zip(first.state_dict().items(), second.state_dict().values(), strict=True):
        if not torch.equal(one, other):
            raise Violation(
                "the same first weights from the same seed",
                f"{name} differed",
                "Draw weights from torch's global generator only: it is seeded for you.",
            )


def _draws(subject: Subject[Architecture]) -> str:
    network, corrupted, clean = networks(subject)[0]
    if not isinstance(network, Sampler):
        raise NotChecked("it restores only")
    generator, time = stream(1, "contract"), torch.tensor([0.2, 0.5, 0.9])
    x = torch.rand((3, *corrupted), generator=generator)
    state = torch.randn((3, *clean), generator=generator)
    everything = torch.ones_like(x, dtype=torch.bool)
    with torch.no_grad():
        expected = network.eval()(x, state, time)
        hidden, other = (network(some, state, time, everything) for some in (x, x.flip(0)))
        alone, begun = network(x), network(x, state, 0 * time)
    if tuple(expected.shape) != (3, *clean):
        raise Violation(
            f"{(3, *clean)} at a state and a time", f"{tuple(expected.shape)} came", "Give what the state's shape is."
        )
    if not torch.equal(hidden, other):
        raise Violation(
            "the same answer whatever is hidden",
            "it differed",
            "Look at x only as predict is given it: 0 where hidden.",
        )
    if not torch.allclose(alone, begun, atol=1e-6):
        raise Violation(
            "the restored batch at time 0, whatever the state",
            "it differed",
            "Treat a state that is None as zeros, for at time 0 it is zeros.",
        )
    return "at any time; at time 0 it restores"


def _export(subject: Subject[Architecture]) -> None:
    network, corrupted, _ = networks(subject)[0]
    example = torch.rand(2, *corrupted)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exported = torch.export.export(network.eval(), (example,)).module()
    except Exception as error:
        raise Violation(
            "a network that torch.export can write as pt2: that is how MLflow keeps it",
            f"{type(error).__name__}: {' '.join(str(error).split())[:200]}",
            "Avoid control flow that depends on values.",
        ) from None
    if not torch.allclose(exported(example), network(example), atol=1e-5):
        raise Violation(
            "the exported network to restore alike",
            "it differed",
            "Look for state that forward changes.",
        )


CHECKS = (
    Check("input becomes output, odd sizes too", _shapes),
    Check("the encoder gives codes", _codes),
    Check("every parameter has a gradient", _gradients),
    Check("one seed gives the same first weights", _first_weights),
    Check("it can be exported as pt2", _export),
    Check("it can be asked on the way to a sample", _draws),
)
