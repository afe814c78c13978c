"""`dae plugins`: what can be named in an experiment, and where it comes from."""

from rich.console import Console
from rich.table import Table


def list_plugins() -> None:
    """List what can be named in an experiment, and what is installed but broken."""
    from daecore.registry import registry

    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("kind", "name", "what it is", "from"):
        table.add_column(heading)
    for (kind, name), item in sorted(registry().extensions.items()):
        origin = item.provenance
        table.add_row(kind, name, item.extension.summary, f"{origin.distribution} {origin.version}")
    console = Console()
    console.print(table)
    for plugin in registry().broken:
        origin = plugin.provenance
        text = f"broken: {plugin.entry} ({origin.distribution} {origin.version}): {plugin.reason}"
        console.print(text, style="red", markup=False, highlight=False, soft_wrap=True)
