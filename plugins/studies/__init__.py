"""Series of studies: each a package with its studies and their recipes."""
