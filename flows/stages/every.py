"""Every stage there is whose result is kept: whoever may run any of them depends on the code of all."""

from typing import Any

from .baselines import measure_referees
from .classifier import train_classifier
from .dataset import load_dataset
from .evaluation import evaluate_denoising
from .stage import Stage
from .svm import judge_machine
from .training import train_autoencoder
from .transfer import transfer
from .unroll import unroll

STAGES: tuple[Stage[..., Any], ...] = (
    load_dataset,
    train_autoencoder,
    unroll,
    measure_referees,
    evaluate_denoising,
    transfer,
    judge_machine,
    train_classifier,
)


def code_digests() -> list[str]:
    """The digest of each stage's code."""
    return [stage.code.digest for stage in STAGES]
