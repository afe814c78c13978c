"""Experiments: all that a user decides as one value, and whether it can be run."""
