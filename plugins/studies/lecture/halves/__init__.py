"""[halves] When learning ends memorising: two networks on disjoint halves of a set, beside exact posteriors."""

from .study import STUDY

__all__ = ["STUDY"]
