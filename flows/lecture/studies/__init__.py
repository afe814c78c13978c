"""The studies of the lecture, a module each; each module's `STUDY` is the value."""
