"""[transfer] What pre-training is worth with few labels: the study's parts."""

from .study import STUDY

__all__ = ["STUDY"]
