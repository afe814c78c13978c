"""The lecture's `MNISTUpscaler`: from 14x14 to 28x28 pixels through a code of 32 numbers."""

from torch import nn

from daecore import Architecture, Autoencoder, Options, hookimpl

WIDTH = 32


class Upscaler(Options):
    """The lecture's super-resolution network, 14x14 to 28x28 pixels."""


def upscaler(options: Upscaler, *, input_shape: tuple[int, ...], output_shape: tuple[int, ...]) -> Autoencoder:
    """Build it: 14-10-6-3-1 pixels down, 1-4-9-20-24-28 up, ReLU between the layers of each part.

    Args:
        options: It has none.
        input_shape: ``(C, 14, 14)``.
        output_shape: ``(C, 28, 28)``.

    Raises:
        ValueError: Other shapes.
    """
    channels = input_shape[0]
    if input_shape != (channels, 14, 14) or output_shape != (channels, 28, 28):
        raise ValueError(
            f"upscaler turns (C, 14, 14) into (C, 28, 28), but {input_shape} should become {output_shape}; "
            "use the corruption downscale with factor 2 on 28x28 images, or dense for other shapes"
        )
    encoder = nn.Sequential(
        nn.Conv2d(channels, WIDTH, 5), nn.ReLU(inplace=True),
        nn.Conv2d(WIDTH, WIDTH, 5), nn.ReLU(inplace=True),
        nn.Conv2d(WIDTH, WIDTH, 4), nn.ReLU(inplace=True),
        nn.Conv2d(WIDTH, WIDTH, 3),
    )  # fmt: skip
    decoder = nn.Sequential(
        nn.ConvTranspose2d(WIDTH, WIDTH, 4), nn.ReLU(inplace=True),
        nn.ConvTranspose2d(WIDTH, WIDTH, 3, stride=2), nn.ReLU(inplace=True),
        nn.ConvTranspose2d(WIDTH, WIDTH, 4, stride=2), nn.ReLU(inplace=True),
        nn.ConvTranspose2d(WIDTH, WIDTH, 5), nn.ReLU(inplace=True),
        nn.ConvTranspose2d(WIDTH, channels, 5),
    )  # fmt: skip
    return Autoencoder(encoder, decoder)


@hookimpl
def register_architectures() -> list[Architecture]:
    """Ship `upscaler`."""
    return [Architecture(name="upscaler", options=Upscaler, function=upscaler, shapes="images")]
