"""Net-SURE's tiny autoencoder: two strided convolutions and their mirror, a sigmoid after each of the four.

So few weights cannot learn the noise of single pictures by heart: what is reached depends on the objective.
"""

from torch import nn

from daecore import Architecture, Autoencoder, Options, hookimpl

from ..bibliography import cite

WIDTH = 10


class Tiny(Options):
    """Net-SURE's four small layers with sigmoids: 2,011 parameters for grey pictures."""


def tiny(options: Tiny, *, input_shape: tuple[int, ...], output_shape: tuple[int, ...]) -> Autoencoder:
    """Build it: channels 1-10-10-10-1, 3x3, stride 2, for pictures of any size; first weights after Glorot.

    Source: Soltanayev and Chun, "Training deep learning based denoisers without ground truth data", NeurIPS 2018,
    section 4.1, and its published code.

    Args:
        options: It has none.
        input_shape: ``(C, H, W)`` of a corrupted image.
        output_shape: ``(C, H, W)`` of a clean image; the same.

    Raises:
        ValueError: The shapes differ.
    """
    if input_shape != output_shape:
        raise ValueError(
            f"tiny restores images of the shape it is given, but {input_shape} should become {output_shape}; "
            "use dense, which maps any shape to any other, or upscaler for 14x14 to 28x28"
        )
    channels, *full = input_shape
    half = [(side + 1) // 2 for side in full]
    encoder = nn.Sequential(*_down(channels), *_down(WIDTH))
    decoder = nn.Sequential(*_up(WIDTH, half), *_up(channels, full))
    for layer in (*encoder, *decoder):
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
    return Autoencoder(encoder, decoder)


def _down(channels: int) -> tuple[nn.Module, nn.Module]:
    return nn.Conv2d(channels, WIDTH, 3, stride=2, padding=1), nn.Sigmoid()


def _up(channels: int, size: list[int]) -> tuple[nn.Module, nn.Module]:
    """From ceil(n / 2) pixels back to n: even sides lack one."""
    extra = (1 - size[0] % 2, 1 - size[1] % 2)
    return nn.ConvTranspose2d(WIDTH, channels, 3, stride=2, padding=1, output_padding=extra), nn.Sigmoid()


@hookimpl
def register_architectures() -> list[Architecture]:
    """Ship `tiny`."""
    return [
        Architecture(
            name="tiny", options=Tiny, function=tiny, source=cite("soltanayev2018"), shapes="images", bounded=True
        )
    ]
