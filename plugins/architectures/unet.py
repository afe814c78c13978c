"""U-Net: a contracting path, an expanding path, and skip connections between them (Ronneberger et al. 2015).

No normalisation layer: batches may be small, and the residual to the input keeps training stable.
"""

from typing import Annotated

from pydantic import Field
from torch import Tensor

from daecore import Architecture, Autoencoder, Options, hookimpl

from ..bibliography import cite
from .sampling_unet import SamplingUnet
from .unet_paths import Contracting, Expanding, enlarge_by

Width = Annotated[int, Field(ge=1, le=2048)]


class Unet(Options):
    """A U-Net with skip connections; it learns the correction to the picture it is given."""

    widths: tuple[Width, ...] = Field(
        default=(24, 48, 96), min_length=2, max_length=4, description="channels of each level; each halves the image"
    )
    sampler: bool = Field(default=False, description="whether it can also draw: for the objective flow")


def unet(options: Unet, *, input_shape: tuple[int, ...], output_shape: tuple[int, ...]) -> Autoencoder:
    """Build it; it also takes images of other sizes than it was built for, from 8x8 pixels on.

    A smaller corrupted image is enlarged bilinearly first.

    Args:
        options: The levels' channels, and whether it can draw.
        input_shape: ``(C, H, W)`` of a corrupted image.
        output_shape: ``(C, k H, k W)`` of a clean image, k whole.

    Raises:
        ValueError: The clean image is no whole multiple of the corrupted one, or has a side below 8 pixels.
    """
    scale = output_shape[-1] // input_shape[-1]
    if output_shape != (input_shape[0], scale * input_shape[1], scale * input_shape[2]):
        raise ValueError(
            f"unet adds a correction to the image it is given, or to that image enlarged, but {input_shape} should "
            f"become {output_shape}; use dense, which maps any shape to any other"
        )
    if min(output_shape[-2:]) < 8:
        raise ValueError(f"unet needs images of at least 8x8 pixels, got {output_shape}; use dense or conv")
    network = SamplingUnet if options.sampler else ResidualUnet
    return network(input_shape[0], options.widths, scale)


class ResidualUnet(Autoencoder):
    """The two paths together: ``x + expanding(contracting(x))``, x enlarged where it is smaller."""

    encoder: Contracting
    decoder: Expanding

    def __init__(self, channels: int, widths: tuple[int, ...], scale: int) -> None:
        super().__init__(Contracting(channels, widths), Expanding(channels, widths))
        self.scale = scale

    def forward(self, x: Tensor) -> Tensor:
        """Restore a batch ``(B, C, H, W)`` to ``(B, C, scale H, scale W)``."""
        x = enlarge_by(x, self.scale)
        correction: Tensor = self.decoder(self.encoder.levels(x))
        return x + correction


@hookimpl
def register_architectures() -> list[Architecture]:
    """Ship `unet`."""
    return [Architecture(name="unet", options=Unet, function=unet, source=cite("ronneberger2015"), shapes="images")]
