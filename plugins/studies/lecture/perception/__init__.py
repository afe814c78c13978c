"""[perception] What it costs to look real: distortion against perception, in the plane and for digits."""

from .study import STUDY

__all__ = ["STUDY"]
