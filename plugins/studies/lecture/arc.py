"""[arc] Denoising as a field: where a network moves points, beside sigma^2 grad log q_sigma in closed form.

Two networks: one whose code is wider than its input, as two coordinates leave nothing to compress and the noise alone
keeps it from copying; and one with a single number in its code, which has to find the curve's parameter.
"""

import math

import torch
from torch import Tensor

from daecore import stream
from daecore.analysis import Agreement, Denoiser, agreement, exact_denoiser
from daecore.data import Samples
from daecore.model import Autoencoder
from daecore.plots import figures, plane
from daecore.study import Findings, Laboratory, Measured, Picture, Study, Table

SIGMA = 0.1  # the noise of the recipes
SIGMAS = (SIGMA, 0.2, 0.4)
EVALUATED = 4_000  # noisy points at which the fields are compared
SHOWN = 600  # data points in a picture
DRAWN = {SIGMA: (0.11, 3.0), 0.2: (0.15, 3.0), 0.4: (0.2, 2.5)}  # the grid's step; how far from the data, in sigma


def run(lab: Laboratory) -> Findings:
    """Train without bottleneck at each sigma and with a one-number code, compare each field with the exact one."""
    wide = {sigma: _train(lab, "lecture/arc", sigma) for sigma in SIGMAS}
    narrow = _train(lab, "lecture/arc-code", SIGMA)
    data = lab.splits(lab.experiment("lecture/arc")).train
    found = {_suffix(sigma): compare(network, data, sigma) for sigma, network in wide.items()}
    found["_code"] = compare(narrow, data, SIGMA)
    measured = {
        f"{name}{suffix}": Measured.of(getattr(agreed, name))
        for suffix, agreed in found.items()
        for name in ("cosine", "magnitude_ratio", "relative_error")
    }
    measured["turns_in_code"] = Measured(value=turns(_decode(narrow, data)[1]), unit="turns")
    pictures = (_arrows(wide[SIGMA], data), _wider(wide, data), _colour(narrow, data), _narrow(narrow, data))
    return Findings(figures=measured, pictures=pictures, tables=(_table(found),), notes=_notes(found, measured))


def compare(network: Denoiser, data: Samples, sigma: float) -> Agreement:
    """A network's field beside the exact one, at points drawn from q_sigma, the mixture at the training samples."""
    chosen = torch.randint(len(data), (EVALUATED,), generator=stream(0, "arc", "points"))
    clean = data.data[chosen]
    x = clean + sigma * torch.randn(clean.shape, generator=stream(0, "arc", "noise"))
    exact = exact_denoiser(data.data, sigma)(x) - x
    with torch.inference_mode():
        field = network(x) - x
    return agreement(field, exact, generator=stream(0, "arc", "bootstrap"))


def turns(curve: Tensor) -> float:
    """How often a closed or open curve ``(K, 2)`` runs around the origin: the sum of its small changes of angle."""
    angle = torch.atan2(curve[:, 1], curve[:, 0])
    change = (angle.diff() + math.pi).remainder(2 * math.pi) - math.pi
    return abs(float(change.sum())) / (2 * math.pi)


def _train(lab: Laboratory, recipe: str, sigma: float) -> Autoencoder:
    change = f"corruptions.0.gaussian_noise.sigma={sigma}"
    return lab.train(lab.experiment(recipe, change, quick=["training.epochs=15"])).network


def _suffix(sigma: float) -> str:
    return "" if sigma == SIGMA else f"_sigma_{sigma:g}"


def _moves(denoiser: Denoiser, data: Tensor, sigma: float) -> plane.Moves:
    """Arrows from a grid around the data: farther away no network was trained."""
    step, reach = DRAWN[sigma]
    x = plane.grid((-1.65, -1.65), (1.65, 1.65), step)
    x = x[torch.cdist(x, data).amin(1) < reach * sigma]
    with torch.inference_mode():
        return plane.Moves(x, denoiser(x))


def _arrows(network: Autoencoder, data: Samples) -> Picture:
    panels = {
        f"what the network does, sigma = {SIGMA:g}": _moves(network, data.data, SIGMA),
        "sigma² ∇ log q, in closed form": _moves(exact_denoiser(data.data, SIGMA), data.data, SIGMA),
    }
    caption = (
        "Arrows from noisy points to their reconstructions, on a grid around the data (orange). Left the network "
        "without bottleneck, right what the training points themselves demand. Farther than three sigma from the data "
        "hardly any training input ever lay."
    )
    return Picture("arrows", caption, figures.png(plane.fields(panels, data.data[:SHOWN])))


def _wider(networks: dict[float, Autoencoder], data: Samples) -> Picture:
    wider = {sigma: network for sigma, network in networks.items() if sigma != SIGMA}
    panels = {f"network, sigma = {sigma:g}": _moves(each, data.data, sigma) for sigma, each in wider.items()}
    panels |= {
        f"closed form, sigma = {sigma:g}": _moves(exact_denoiser(data.data, sigma), data.data, sigma)
        for sigma in wider
    }  # fmt: skip
    caption = (
        "The same for stronger noise: networks above, closed form below. The more noise, the farther the best answer "
        "lies inside the circle: it is the mean of a whole arc of possible originals."
    )
    return Picture("stronger_noise", caption, figures.png(plane.fields(panels, data.data[:SHOWN], columns=len(wider))))


def _colour(network: Autoencoder, data: Samples) -> Picture:
    points = data.data[:2000]
    along, decoded = _decode(network, data)
    with torch.inference_mode():
        code = network.encoder(points)[:, 0]
    caption = (
        "The autoencoder with one number z in its code. Left the data coloured by z, in the middle the curve that the "
        "decoder draws as z runs from its smallest to its largest value, right z against the angle: where it rises or "
        "falls without turning back, z is the curve's parameter; where it jumps, the circle has been cut open."
    )
    return Picture("code", caption, figures.png(plane.coded_curve(points, code, decoded, along)))


def _narrow(network: Autoencoder, data: Samples) -> Picture:
    panels = {
        f"one number in the code, sigma = {SIGMA:g}": _moves(network, data.data, SIGMA),
        "sigma² ∇ log q, in closed form": _moves(exact_denoiser(data.data, SIGMA), data.data, SIGMA),
    }
    caption = (
        "The same arrows with a one-number code: every reconstruction lies on the decoder's curve, wherever the arrow "
        "starts; at the cut, where z jumps from one end to the other, arrows may go astray."
    )
    return Picture("arrows_code", caption, figures.png(plane.fields(panels, data.data[:SHOWN])))


def _decode(network: Autoencoder, data: Samples) -> tuple[Tensor, Tensor]:
    """Codes from the data's smallest to its largest, ``(K,)``, and what the decoder makes of them, ``(K, 2)``."""
    with torch.inference_mode():
        code = network.encoder(data.data)[:, 0]
        along = torch.linspace(float(code.min()), float(code.max()), 3000)
        return along, network.decoder(along[:, None])


def _table(found: dict[str, Agreement]) -> Table:
    names = {"": f"no bottleneck, sigma {SIGMA:g}", "_code": f"one number, sigma {SIGMA:g}"}
    names |= {_suffix(sigma): f"no bottleneck, sigma {sigma:g}" for sigma in SIGMAS[1:]}
    rows = tuple(
        (names[suffix], agreed.cosine, agreed.magnitude_ratio, agreed.relative_error)
        for suffix, agreed in found.items()
    )
    return Table(
        "The network's field beside sigma² ∇ log q", ("network", "cosine", "magnitude", "relative error"), rows
    )


def _notes(found: dict[str, Agreement], measured: dict[str, Measured]) -> tuple[str, ...]:
    free, coded, turn = found[""], found["_code"], measured["turns_in_code"].value
    return (
        f"Without a bottleneck the field is off by {free.relative_error.mean:.1%} of its size. The closed form follows "
        "the grain of the finite training set, too, which a network smooths over.",
        f"With one number in the code it is off by {coded.relative_error.mean:.0%}: a line cannot be laid around a "
        "circle without a cut.",
        f"From the smallest to the largest z the decoder's curve makes {turn:.2f} of a full turn.",
    )


STUDY = Study(
    id="arc",
    title="Denoising moves points towards the data",
    description=(
        "Points lie on a curve that one parameter describes; noise carries them off it. A denoising autoencoder learns "
        "to carry them back, so that its arrows from corrupted to reconstructed points show where the data are: for "
        "little Gaussian noise they are sigma squared times the gradient of the log-density of the noisy data. With a "
        "single number in the code, that number becomes the curve's parameter: one full turn in z."
    ),
    recipes=("lecture/arc", "lecture/arc-code"),
    run=run,
)
