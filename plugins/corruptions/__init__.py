"""Built-in corruptions, one file each."""
