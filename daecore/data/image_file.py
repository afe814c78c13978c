"""An image as it was read from a file: its pixels in their own depth, with transparency and profile.

Knows which suffixes are searched for, and written. `daecore.data.picture_file` reads it, `daecore.data.image_encoding`
makes a file of it again.
"""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from daecore.data.stack_file import Description
from daecore.data.value_scale import WHITE, Scale

SUFFIXES = {  # what a folder is searched for, and the format each is written in; empty: it is read only
    ".png": "PNG", ".apng": "", ".jpg": "JPEG", ".jpeg": "JPEG", ".jpe": "JPEG", ".jfif": "JPEG", ".mpo": "JPEG",
    ".tif": "TIFF", ".tiff": "TIFF", ".bmp": "BMP", ".webp": "WEBP", ".gif": "", ".ppm": "PPM", ".pgm": "PPM",
    ".pnm": "PPM", ".pbm": "", ".pfm": "",
}  # fmt: skip


@dataclass(frozen=True)
class ImageFile:
    """A picture as it was read.

    Attributes:
        pixels: ``(C, H, W)``, C = 1 (grey) or 3 (RGB), upright: uint8 of files with 8 bits, else float32, which lies
            in ``[0, 1]`` where no range was named; `daecore.data.samples.as_float` makes floats of both.
        alpha: float32 ``(H, W)`` in ``[0, 1]``, how opaque each pixel is; None where all are.
        kind: The type of the numbers in the file, such as ``uint16``, in which it is written again.
        profile: The ICC colour profile; empty without one.
        notes: What a user must know of it, a sentence each, without its name: what was clipped, what was lost.
        scale: Which of the file's numbers are 0 and 1; they are counted so again when it is written. None: as their
            type says.
        description: How large its pixels are, on paper or of the things they show.
        exif: A camera's notes, without how the picture is to be turned; empty without any.
    """

    pixels: Tensor
    alpha: NDArray[np.float32] | None = None
    kind: str = "uint8"
    profile: bytes = b""
    notes: tuple[str, ...] = ()
    scale: Scale | None = None
    description: Description = field(default_factory=Description)
    exif: bytes = b""

    @property
    def counted(self) -> Scale:
        """How its values become numbers of its type."""
        return self.scale or Scale(0, WHITE[self.kind], 0, WHITE[self.kind])

    def with_difference(self, pixels: Tensor) -> "ImageFile":
        """The same with how far values lie apart, ``(C, H', W')``: nothing apart is written as 0."""
        scale = self.counted
        return replace(self.with_pixels(pixels), scale=replace(scale, low=0, high=scale.high - scale.low))

    def with_pixels(self, pixels: Tensor) -> "ImageFile":
        """The same with other pixels ``(C, H', W')`` of the same things; the transparency is enlarged to their size."""
        alpha, size = self.alpha, (pixels.shape[2], pixels.shape[1])
        if alpha is not None and alpha.shape[::-1] != size:
            alpha = np.asarray(Image.fromarray(alpha).resize(size, Image.Resampling.BICUBIC)).clip(0, 1)
        described = self.description.enlarged(size[0] / self.pixels.shape[2])
        return replace(self, pixels=pixels, alpha=alpha, description=described)
