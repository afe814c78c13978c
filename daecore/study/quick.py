"""Small budgets, and how an experiment trains classifiers. Knows experiments; does not know who runs them."""

from daecore.experiment.experiment import Experiment
from daecore.transfer.task import ClassifierOptions
from daecore.transfer.transfer import TransferOptions

QUICK_SIZES = {"train": 2_000, "validation": 500, "test": 500}
"""How many samples `--quick` leaves of datasets that can be cut short."""


def cut(experiment: Experiment) -> list[str]:
    """The changes that leave fewer images, where the dataset has options for that and all are used."""
    data = experiment.dataset
    whole = [name for name in QUICK_SIZES if getattr(data.options, name, None) == 0]
    return [f"dataset.{data.name}.{name}={QUICK_SIZES[name]}" for name in whole]


def fine_tuning(experiment: Experiment) -> ClassifierOptions:
    """How an experiment trains classifiers: its transfer section, without budgets and draws."""
    transfer = experiment.transfer or TransferOptions()
    return ClassifierOptions.model_validate(transfer.model_dump(include=set(ClassifierOptions.model_fields)))
