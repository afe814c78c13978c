"""Verifying: a run evaluated, or trained, again; whether the same comes of it, and why not."""
