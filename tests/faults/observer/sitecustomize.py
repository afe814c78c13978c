"""Writes down which stages the processes of a command are in, by listening to what they log. It changes nothing.

Python imports it in each process whose path holds this folder; it listens where `FAULTS_STAGES` names a file.
A line is a time, a process, what happens (`observe`, `begin`, `end`), and the stage.
"""

import ctypes
import logging
import os
import time

UNASKED = (1, 2)  # CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH: to write and to read whatever the modes of files say
VERSION_3, DROP = 0x20080522, 24  # of the system call; PR_CAPBSET_DROP


class Observer(logging.Handler):
    """Appends a line to a file as a stage begins or ends."""

    def emit(self, record: logging.LogRecord) -> None:
        for what, attribute in (("begin", "stage"), ("end", "end")):
            if stage := getattr(record, attribute, ""):
                write(what, stage)


def write(what: str, stage: str) -> None:
    """Append a line."""
    with open(os.environ["FAULTS_STAGES"], "a") as file:
        file.write(f"{time.time()} {os.getpid()} {what} {stage}\n")


def observe() -> None:
    """Listen from now on."""
    logger = logging.getLogger("daecore.progress")
    logger.setLevel(logging.INFO)
    logger.addHandler(Observer())
    write("observe", "-")


def obey_modes() -> None:
    """Give up the administrator's right to read and write whatever the modes of files say; its children's, too."""
    libc = ctypes.CDLL(None, use_errno=True)
    head, sets = (ctypes.c_uint32 * 2)(VERSION_3, 0), (ctypes.c_uint32 * 6)()
    bits = sum(1 << number for number in UNASKED)
    if libc.capget(head, sets) or not sets[0] & bits:
        return  # nobody's administrator
    for number in UNASKED:
        libc.prctl(DROP, number, 0, 0, 0)
    for index in (0, 1, 2):  # effective, permitted, inheritable
        sets[index] &= ~bits & 0xFFFFFFFF
    if libc.capset(head, sets):
        raise OSError(ctypes.get_errno(), "capset")


if "FAULTS_STAGES" in os.environ:
    observe()
