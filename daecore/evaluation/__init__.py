"""Evaluation: what restores without a network, and the denoising report beside it."""
