"""The studies of features, a module each; each module's `STUDY` is the value."""
