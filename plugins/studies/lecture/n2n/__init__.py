"""[n2n] Noisy targets in place of clean ones: the study's parts."""

from .study import STUDY

__all__ = ["STUDY"]
