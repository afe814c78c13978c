"""Transfer: from an encoder to a classifier, and what that is worth."""

from daecore.transfer.encoder import PretrainedEncoder
from daecore.transfer.finetuning import epochs_for, probe_codes, train_classifier
from daecore.transfer.scores import Cell, Classified, Score, TransferReport, summarise
from daecore.transfer.svm import SvmReport, choose_svm
from daecore.transfer.task import ClassifierOptions, Method, Task
from daecore.transfer.transfer import TransferOptions

__all__ = [
    "Cell",
    "Classified",
    "ClassifierOptions",
    "Method",
    "PretrainedEncoder",
    "Score",
    "SvmReport",
    "Task",
    "TransferOptions",
    "TransferReport",
    "choose_svm",
    "epochs_for",
    "probe_codes",
    "summarise",
    "train_classifier",
]
