"""From an experiment to what each stage is asked: requests with their keys.

Knows what each stage depends on, and nothing of how it is done.
"""

from daecore.corruption import Corruptor, declared
from daecore.experiment import Experiment
from daecore.place import Place, resolve_place
from daecore.samples import Shape
from daecore.spec import Spec, digest, spec
from daecore.transfer import TransferOptions

from .datasets import fingerprint_of
from .keys import stage_key
from .records import (
    ClassifierAsk,
    ClassifierRequest,
    DatasetRef,
    DatasetRequest,
    EvaluationRequest,
    FileRef,
    MachineRequest,
    ModelRef,
    RefereesRequest,
    TrainingRequest,
    TransferRequest,
    UnrollRequest,
)


def place_of(experiment: Experiment) -> Place:
    """Where the experiment's stages compute; where the user names no threads, how many is left open."""
    training = experiment.training
    found = resolve_place(training.device, training.precision, training.threads)
    return found.model_copy(update={"threads": training.threads})


def dataset_request(experiment: Experiment) -> DatasetRequest:
    """Load the experiment's dataset; a dataset made of a user's files is keyed by how they look now."""
    data = experiment.data
    fingerprint = fingerprint_of(data)
    inputs = {"data": data.dump(), "fingerprint": fingerprint}
    return DatasetRequest(key=stage_key("load_dataset", inputs, [data]), data=data, fingerprint=fingerprint)


def training_request(
    experiment: Experiment, dataset: DatasetRef, *, control: bool = False, below: tuple[ModelRef, ...] = ()
) -> TrainingRequest:
    """Train the experiment's network; as ``control``, the same network without corruption, by plain reconstruction.

    Args:
        experiment: What is trained, and how.
        dataset: Its data, loaded.
        control: Leave the corruption and the objective's particulars out.
        below: Networks whose clean codes it is trained on, in place of the data; the lowest first.
    """
    corruptions = plain(experiment.corruptions, dataset.shape) if control else experiment.corruptions
    objective = _plain_objective(experiment.objective) if control else experiment.objective
    place = place_of(experiment)
    training = experiment.training.model_dump(mode="json", exclude={"device", "precision", "threads"})
    inputs = {
        "dataset": dataset.sha256,
        "corruptions": [item.dump() for item in corruptions],
        "autoencoder": experiment.autoencoder.dump(),
        "objective": objective.dump(),
        "training": training,
        "seed": experiment.seed,
        **({"below": [[ref.autoencoder.dump(), ref.summary.weights_sha256] for ref in below]} if below else {}),
    }
    specs = [*corruptions, experiment.autoencoder, objective, *(ref.autoencoder for ref in below)]
    return TrainingRequest(
        key=stage_key("train_autoencoder", inputs, specs, place),
        dataset=dataset,
        corruptions=corruptions,
        autoencoder=experiment.autoencoder,
        objective=objective,
        training=experiment.training,
        seed=experiment.seed,
        place=place,
        below=below,
    )


def unroll_request(experiment: Experiment, dataset: DatasetRef, layers: tuple[ModelRef, ...]) -> UnrollRequest:
    """Make the experiment's network of its trained layers, the lowest first."""
    inputs = {
        "shape": dataset.shape,
        "autoencoder": experiment.autoencoder.dump(),
        "layers": [[ref.autoencoder.dump(), ref.summary.weights_sha256] for ref in layers],
    }
    specs = [experiment.autoencoder, *(ref.autoencoder for ref in layers)]
    key = stage_key("unroll", inputs, specs)
    return UnrollRequest(key=key, dataset=dataset, autoencoder=experiment.autoencoder, layers=layers)


def referees_request(experiment: Experiment, dataset: DatasetRef) -> RefereesRequest:
    """Measure the referees on the experiment's dataset and corruption."""
    inputs = {"dataset": dataset.sha256, "corruptions": [item.dump() for item in experiment.corruptions]}
    key = stage_key("measure_referees", inputs, experiment.corruptions)
    return RefereesRequest(key=key, dataset=dataset, corruptions=experiment.corruptions)


def evaluation_request(
    experiment: Experiment, dataset: DatasetRef, model: ModelRef, referees: FileRef
) -> EvaluationRequest:
    """Judge the trained network beside the referees."""
    place = place_of(experiment)
    inputs = {
        "dataset": dataset.sha256,
        "corruptions": [item.dump() for item in experiment.corruptions],
        "weights": model.summary.weights_sha256,
        "autoencoder": experiment.autoencoder.dump(),
        "referees": digest(referees_request(experiment, dataset).key),
    }
    return EvaluationRequest(
        key=stage_key("evaluate_denoising", inputs, [*experiment.corruptions, experiment.autoencoder], place),
        dataset=dataset,
        corruptions=experiment.corruptions,
        model=model,
        referees=referees,
        place=place,
    )


def transfer_request(
    experiment: Experiment, dataset: DatasetRef, denoising: ModelRef, control: ModelRef
) -> TransferRequest:
    """Train classifiers from the encoders; only for experiments with `transfer` on datasets with labels."""
    place, transfer = place_of(experiment), experiment.transfer or TransferOptions()
    inputs = {
        "dataset": dataset.sha256,
        "weights": [denoising.summary.weights_sha256, control.summary.weights_sha256],
        "autoencoder": experiment.autoencoder.dump(),
        "transfer": transfer.model_dump(mode="json"),
        "seed": experiment.seed,
    }
    return TransferRequest(
        key=stage_key("transfer", inputs, [experiment.autoencoder, *transfer.augment], place),
        dataset=dataset,
        denoising=denoising,
        plain=control,
        transfer=transfer,
        seed=experiment.seed,
        place=place,
    )


def machine_request(experiment: Experiment, dataset: DatasetRef) -> MachineRequest:
    """Judge a support vector machine on the experiment's dataset."""
    return MachineRequest(key=stage_key("judge_machine", {"dataset": dataset.sha256}, []), dataset=dataset)


def classifier_request(
    experiment: Experiment, dataset: DatasetRef, encoder: ModelRef | None, ask: ClassifierAsk
) -> ClassifierRequest:
    """Train one classifier from a trained network's encoder, or from the first weights of the experiment's network."""
    place = place_of(experiment)
    clean = dataset.shape
    shapes = (Corruptor(experiment.corruptions).output_shape(clean), clean)
    if encoder is not None:
        shapes = (encoder.input_shape, encoder.output_shape)
    autoencoder = experiment.autoencoder if encoder is None else encoder.autoencoder
    inputs = {
        "dataset": dataset.sha256,
        "weights": None if encoder is None else encoder.summary.weights_sha256,
        "autoencoder": autoencoder.dump(),
        "shapes": shapes,
        "ask": ask.model_dump(mode="json"),
        "seed": experiment.seed,
    }
    return ClassifierRequest(
        key=stage_key("train_classifier", inputs, [autoencoder, *ask.options.augment], place),
        dataset=dataset,
        encoder=encoder,
        autoencoder=autoencoder,
        input_shape=shapes[0],
        output_shape=shapes[1],
        ask=ask,
        seed=experiment.seed,
        place=place,
    )


def _plain_objective(objective: Spec) -> Spec:
    """What a control minimises: the cross-entropy where the objective is made of it, else the squared error."""
    bounded = declared(objective.extension.bounded, objective.options)
    return spec("objective", "cross_entropy" if bounded else "clean")


def plain(corruptions: tuple[Spec, ...], shape: Shape) -> tuple[Spec, ...]:
    """What of a chain remains without corruption: only what changes the shape, for the same network to fit."""
    kept = []
    for item in corruptions:
        change = item.extension.output_shape
        after = change(shape, item.options) if change else shape
        if after != shape:
            kept.append(item)
        shape = after
    return tuple(kept)
