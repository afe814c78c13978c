"""The command line `dae`."""
