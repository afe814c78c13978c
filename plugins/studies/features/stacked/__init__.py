"""[stacked] Features layer by layer: the study's parts."""

from .study import STUDY

__all__ = ["STUDY"]
