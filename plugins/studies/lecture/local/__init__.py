"""[local] What a trained network has learnt, explained by posteriors that look through a window: the study's parts."""

from .study import STUDY

__all__ = ["STUDY"]
