"""Corruption: the chain a user writes, the pairs it is evaluated on, estimating a noise level."""
