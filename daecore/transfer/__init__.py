"""Transfer: from an encoder to a classifier, and what that is worth."""

from daecore.transfer.encoder import Initialisation
from daecore.transfer.finetuning import epochs_for, probe_codes, train_classifier
from daecore.transfer.scores import Cell, Classified, Score, TransferReport, summarise
from daecore.transfer.svm import KernelMachineReport, judge_kernel_machine
from daecore.transfer.task import ClassifierOptions, Method, Task
from daecore.transfer.transfer import TransferOptions

__all__ = [
    "Cell",
    "Classified",
    "ClassifierOptions",
    "Initialisation",
    "KernelMachineReport",
    "Method",
    "Score",
    "Task",
    "TransferOptions",
    "TransferReport",
    "epochs_for",
    "judge_kernel_machine",
    "probe_codes",
    "summarise",
    "train_classifier",
]
