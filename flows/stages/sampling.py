"""The stage that draws samples with a network that can, and measures what they are worth: the sampler's licence."""

from daecore.corruption.corruptor import Corruptor
from daecore.evaluation.drawing import Drawn, evaluate_sampler
from daecore.evaluation.sampling import SamplingReport
from daecore.experiment.experiment import Experiment
from daecore.model.sampler import Sampler
from daecore.model.sampling import SamplingOptions
from daecore.plots import figures
from daecore.plots.samples import sample_panel
from daecore.plugin.spec import CorruptionSpec, digest
from daecore.record import Record

from ..store.dataset_ref import DatasetRef
from ..store.device_lock import hold
from ..store.file_ref import FileRef, file_ref
from ..store.files import write_atomically
from ..store.model_ref import ModelRef, load_network
from ..store.store import Store, current_store
from .dataset import splits_of
from .stage import DeviceRequest, device_of, stage

SHOWN = 12  # in the panel
PANEL = "samples.png"


class SamplingRequest(DeviceRequest):
    """Draw samples for some of the dataset's test pairs, and measure them."""

    corruptions: tuple[CorruptionSpec, ...]
    model: ModelRef
    sampling: SamplingOptions


class Sampled(Record):
    """What samples are worth, and for images a picture of them."""

    report: SamplingReport
    files: dict[str, FileRef]


def sampling_request(experiment: Experiment, dataset: DatasetRef, model: ModelRef) -> SamplingRequest:
    """Measure the samples that the trained network draws."""
    device, sampling = device_of(experiment), SamplingOptions()
    inputs = {
        "dataset": dataset.sha256,
        "corruptions": [item.dump() for item in experiment.corruptions],
        "weights": model.summary.weights_sha256,
        "architecture": experiment.architecture.dump(),
        "sampling": sampling.model_dump(mode="json"),
    }
    return SamplingRequest(
        key=evaluate_samples.key_of(inputs, [*experiment.corruptions, experiment.architecture], device),
        dataset=dataset,
        corruptions=experiment.corruptions,
        model=model,
        sampling=sampling,
        device=device,
    )


@stage(code=("daecore.evaluation.drawing", "daecore.plots.samples"))
def evaluate_samples(request: SamplingRequest) -> Sampled:
    """Draw several samples of each of some test pictures, and measure them beside what exact ones would give."""
    store, files = current_store(), {}
    drawn = draw_samples(request, store)
    if len(request.dataset.shape) == 3:
        few = slice(SHOWN)
        panel = sample_panel(drawn.clean[few], drawn.corrupted[few], drawn.mean[few], drawn.samples[:, few])
        with store.lock(f"samples-{digest(request.key)}"):
            write_atomically(request.folder / PANEL, figures.png(panel))
            files[PANEL] = file_ref(store, request.folder / PANEL)
    return Sampled(report=drawn.report, files=files)


def draw_samples(request: SamplingRequest, store: Store) -> Drawn:
    """Draw the samples and measure them; nothing is written.

    Args:
        request: What to draw.
        store: Where the network lies.
    """
    device = request.device
    model = load_network(request.model, store).to(device.kind)
    if not isinstance(model, Sampler):
        raise TypeError(f"{type(model).__name__} cannot draw")  # feasibility has refused it
    splits = splits_of(request.dataset, device.kind)
    with hold(device), device.apply():
        return evaluate_sampler(
            model, splits, Corruptor(request.corruptions), request.sampling, precision=device.precision
        )
