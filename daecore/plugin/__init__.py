"""Plugins: what an extension is, the hooks that bring it, the registry, and the spec that names it."""
