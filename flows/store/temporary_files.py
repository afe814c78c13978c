"""Where this process keeps temporary files: a folder of its own, which goes with it, also where it is killed.

Libraries make folders of theirs where the system keeps temporary files (TMPDIR); a process that is killed leaves them
there for good. So each of ours has one folder there, and whoever is next removes those of the dead. What a process
starts is told nothing of it: it may live longer.
"""

import atexit
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from daecore.held_folder import HeldFolder

PREFIX = "daecore-"

_kept: "list[tuple[int, HeldFolder]]" = []  # the process, and its folder
_whole: list[bool] = []  # whether this process is a command, and not somebody's program


def is_whole_process() -> None:
    """Say that this process is a command: once it works on a store, its temporary files are its own."""
    _whole.append(True)


def keep_if_whole_process() -> None:
    """The same as `keep_to_own_folder`, in a command alone: in a program or notebook others make such files, too."""
    if _whole:
        keep_to_own_folder()


def keep_to_own_folder() -> None:
    """Let everything in this process that asks for a temporary file have it in a folder of the process's own."""
    from daecore.held_folder import HeldFolder

    if not _kept:
        with suppress(OSError):  # no room, or no such folder: whoever needs one will be told
            folder = HeldFolder(Path(tempfile.gettempdir()), PREFIX)
            tempfile.tempdir = str(folder.path)
            _kept.append((os.getpid(), folder))
            atexit.register(let_go_of_folder)


def let_go_of_folder() -> None:
    """Remove it with all it holds, where this process made it, and not one that it was forked from."""
    while _kept:
        holder, folder = _kept.pop()
        if os.getpid() == holder:
            tempfile.tempdir = None
            folder.remove_left_behind()  # who was still ending when this process began
            folder.remove()
