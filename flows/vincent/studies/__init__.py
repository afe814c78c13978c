"""Vincent's problems, a module each; each module's `STUDY` is the value."""
