"""Trained networks: their files, and what one does with a network that is trained."""

from daecore.trained.loading import load
from daecore.trained.network import Interval, TrainedNetwork

__all__ = ["Interval", "TrainedNetwork", "load"]
