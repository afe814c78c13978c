"""Error bars of a run that exists: those it was fitted with, or fitted now, on the validation pictures it never saw."""

from pathlib import Path

from prefect import flow

from daecore.errors import DataError, InputError, StoreError
from daecore.experiment.experiment import Experiment, parse
from daecore.trained.error_bars_file import NAME
from daecore.uncertainty.error_bars import require_pictures
from daecore.uncertainty.options import ErrorBarsOptions

from .stages.caller import Caller, intact
from .stages.dataset import dataset_request, load_dataset
from .stages.error_bars import error_bars_request, fit_bars
from .store import tracking
from .store.fitted_bars import remember_bars
from .store.lookup import experiment_of, find_run, model_of
from .store.model_ref import ModelRef
from .store.store import current_store


@flow(name="error-bars", flow_run_name="error bars of {run_id}", persist_result=False)
def fit_error_bars_of(run_id: str, level: float = 0.9) -> Path:
    """Fit error bars to a run's network, on its dataset's validation pictures; a second time they come from the cache.

    Args:
        run_id: The run.
        level: What share of uncertain values is to lie within the bounds.

    Returns:
        Their file.

    Raises:
        InputError: Its dataset cannot be loaded here, has changed, or has too few validation pictures.
    """
    run = find_run(run_id)
    model, experiment = model_of(run), parse(experiment_of(run))
    require_pictures(model.output_shape)
    tracking.prepare(current_store())
    call = Caller(fresh=False)
    try:
        dataset = call(load_dataset, dataset_request(experiment))
    except (DataError, InputError, OSError) as error:
        raise InputError(
            f"Bounds are calibrated on validation pictures of what the network was trained on, and the dataset of "
            f"the run {run_id} cannot be loaded here: {error} Bring it back, or fit them where it is and copy the "
            f"run's {NAME}; without --interval the pictures are restored all the same."
        ) from None
    _require_same(model, dataset.sha256, experiment, level)
    chosen = (experiment.error_bars or ErrorBarsOptions()).model_copy(update={"level": level})
    fitted = call(fit_bars, error_bars_request(experiment, dataset, model, chosen), intact=intact)
    remember_bars(run_id, level, fitted.files[NAME])
    path: Path = fitted.files[NAME].absolute(current_store())
    return path


def _require_same(model: ModelRef, sha256: str, experiment: Experiment, level: float) -> None:
    """Refuse other data than the network was trained on: it may have seen what is now for validation.

    Raises:
        InputError: They differ.
        StoreError: The training does not say which they were.
    """
    trained = tracking.client().get_run(model.run_id).data.params.get("dataset_sha256", "")
    if not trained:
        raise StoreError(f"The training {model.run_id} does not say which dataset it had. Train the network anew.")
    if trained != sha256:
        raise InputError(
            f"The dataset {experiment.dataset.name} has changed since this network was trained on it, so that some of "
            "its validation pictures may be known to the network. Train it anew, with "
            f"error_bars='{{level: {level:g}}}'."
        )
