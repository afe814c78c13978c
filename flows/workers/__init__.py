"""Worker processes, and what is printed."""
