"""Every stage there is whose result is kept: whoever may run any of them depends on the code of all."""

from typing import Any

from .baselines import measure_baselines
from .classifier import train_classifier
from .dataset import load_dataset
from .error_bars import fit_bars
from .evaluation import evaluate_denoising
from .sampling import evaluate_samples
from .stage import Stage
from .svm import evaluate_svm
from .training import train_autoencoder
from .transfer import transfer
from .unroll import unroll

STAGES: tuple[Stage[..., Any], ...] = (
    load_dataset,
    train_autoencoder,
    unroll,
    measure_baselines,
    evaluate_denoising,
    evaluate_samples,
    fit_bars,
    transfer,
    evaluate_svm,
    train_classifier,
)


def code_digests() -> list[str]:
    """The digest of each stage's code."""
    return [stage.code.digest for stage in STAGES]
