"""Trained networks: their files, and what one does with a network that is trained."""
