"""Stages: a file for each, with its request, its record, its key, its body and its task."""
