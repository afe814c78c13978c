"""[gap] The weakness of squared error where several originals are possible: the study's parts."""

from .study import STUDY

__all__ = ["STUDY"]
