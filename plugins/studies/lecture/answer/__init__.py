"""The study of the lecture's answer: drawing what could have been, and how far the draws can be relied on."""

from .study import STUDY

__all__ = ["STUDY"]
