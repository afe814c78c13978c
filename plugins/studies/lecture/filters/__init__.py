"""[filters] What first-layer filters look like: the study's parts."""

from .study import STUDY

__all__ = ["STUDY"]
