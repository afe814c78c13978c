"""The built-in plugins. They use the front door `daecore` only, like a stranger's package."""
