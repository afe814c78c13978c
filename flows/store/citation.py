"""Citation: what a run used that somebody published, and daecore itself, as BibTeX.

Knows what a run recorded of its plugins, and the sources that installed extensions name. Does not know how runs are
found.
"""

from collections.abc import Iterable, Mapping
from importlib.metadata import version

from daecore.errors import InputError
from daecore.experiment.provenance import installed_of
from daecore.plugin.bibtex import Entry, entries
from daecore.plugin.installed import Installed

OWN = """@software{{daecore,
  author = {{{{The daecore developers}}}},
  title = {{{{daecore}}: a laboratory for denoising autoencoders}},
  version = {{{version}}},
  year = {{2026}}
}}"""


def citation(recorded: Mapping[str, str], what: str) -> str:
    """BibTeX of everything a run used, sorted by key, each entry once; a comment says of what.

    Args:
        recorded: The run's plugins, as `provenance` writes them.
        what: The run, for the comment.
    """
    comments = [f"% What {what} used, and daecore, with which it was made."]
    found = {"daecore": OWN.format(version=version("daecore"))}
    for item in installed_of(recorded):
        cited, complaint = _cite(item)
        comments += [complaint] if complaint else []
        for entry in cited:
            if found.setdefault(entry.key, entry.text) != entry.text:
                comments.append(f"% {_who(item)} has another entry {entry.key!r}, which is left out.")
    return "\n\n".join(["\n".join(comments), *(text for _, text in sorted(found.items()))])


def _cite(item: Installed) -> tuple[Iterable[Entry], str]:
    """An extension's entries; where they cannot be read, none and a comment."""
    try:
        return entries(item.extension.source), ""
    except InputError:  # its message would hold an @, and BibTeX would read an entry there
        check = f"`dae plugins check {item.extension.name}`"
        return (), f"% {_who(item)} names a source that is no BibTeX, which is left out: see {check}."


def _who(item: Installed) -> str:
    return f"The {item.kind} {item.extension.name!r} ({item.provenance.distribution})"
