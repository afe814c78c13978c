"""Clean and noisy targets on grey natural images: sigma 25/255, a small U-Net, whole test images."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from daecore import stream
from daecore.corruption import draw_pairs
from daecore.data import Pairs, as_float
from daecore.experiment import Experiment
from daecore.model import restore
from daecore.plots import figures
from daecore.stats import bootstrap, psnr
from daecore.study import Findings, Laboratory, Measured, Picture, Table, Trained

SIDE = 96  # of the crops that are shown
QUICK = ("dataset.natural.crops=400", "training.epochs=1", "training.batch=8")
SET12 = "set12"
PUBLISHED = (  # dB on Set12 at sigma 25/255, mean over images; Zhang et al. 2017 (DnCNN), tables of the later papers
    ("BM3D, published", "Set12", "-", "-", "29.97", "-"),
    ("DnCNN, published", "Set12", "30.44", "-", "-", "-"),
    ("Noise2Noise, published, colour", "Kodak, BSD300, Set14", "31.63", "31.61", "-", "-0.02"),
    ("BM3D, published, colour", "Kodak, BSD300, Set14", "-", "-", "30.89", "-"),
)


def findings(lab: Laboratory) -> Findings:
    """Both trainings, paired image by image, beside published figures."""
    noisy, clean = (lab.experiment(f"lecture/n2n-{name}", quick=QUICK) for name in ("natural", "natural-clean"))
    trained = {"clean": lab.train(clean), "noisy": lab.train(noisy)}
    groups = [draw_pairs(group, clean.corruptor) for group in lab.splits(clean).test]
    scores = {name: decibels(one, groups) for name, one in trained.items()}
    scores["corrupted"] = torch.cat([psnr(group.corrupted, as_float(group.clean.data)) for group in groups]).numpy()
    gap = bootstrap(scores["noisy"] - scores["clean"], generator=stream(0, "bootstrap", "natural"))
    means = {name: float(values.mean()) for name, values in scores.items()}
    numbers = {f"natural_db.{name}": _measure(values, name) for name, values in scores.items()}
    numbers["difference_db.natural"] = Measured.of(gap, "dB")
    head = ("", "test images", "clean targets / dB", "noisy targets / dB", "no training / dB", "difference / dB")
    said = source(clean)
    ours = ("small U-Net, here", said, f"{means['clean']:.2f}", f"{means['noisy']:.2f}", "-", f"{gap.mean:+.3f}")
    verdict = "no difference is claimed" if not gap.conclusive else "the difference is one of these images"
    note = (
        f"Natural images: {said}. Noisy minus clean targets {gap.mean:+.3f} dB [{gap.low:+.3f}, {gap.high:+.3f}] over "
        f"{gap.n} images, {verdict}; one training each, so luck in training is not in the interval. "
        f"Trained in {trained['clean'].seconds:.0f} and {trained['noisy'].seconds:.0f} s."
    )
    table = Table("Grey natural images, Gaussian noise 25/255", head, (ours, *PUBLISHED))
    return Findings(numbers, (_panel(groups, trained),), (table,), (note, *_comparable(said)))


def decibels(trained: Trained, groups: Sequence[Pairs]) -> NDArray[np.float32]:
    """PSNR of each whole test image, one at a time: they are large."""
    network = trained.network
    parts = [psnr(restore(network, group.corrupted, batch=1), as_float(group.clean.data)) for group in groups]
    return torch.cat(parts).numpy()


def source(experiment: Experiment) -> str:
    """Where the images come from, in words: the first line of the dataset's fingerprint."""
    fingerprint = experiment.dataset.extension.fingerprint
    return fingerprint(experiment.dataset.options).split("\n")[0] if fingerprint else experiment.dataset.name


def _comparable(said: str) -> tuple[str, ...]:
    if SET12 in said:
        return ()
    return ("These are not the images of Set12: the published figures are no comparison for the numbers here.",)


def _measure(values: NDArray[np.float32], name: str) -> Measured:
    return Measured.of(bootstrap(values, generator=stream(0, "bootstrap", "natural", name)), "dB")


def _panel(groups: Sequence[Pairs], trained: dict[str, Trained]) -> Picture:
    """Crops from the middle of every test image."""
    rows = {
        "original": _crops([as_float(group.clean.data) for group in groups]),
        "corrupted": _crops([group.corrupted for group in groups]),
    }
    for name, one in trained.items():
        rows[f"{name} target"] = restore(one.network, rows["corrupted"])
    caption = "Crops of the test images, Gaussian noise of 25/255, and what clean and noisy targets have taught."
    return Picture("n2n-natural", caption, figures.png(figures.panel(rows)))


def _crops(images: Sequence[Tensor]) -> Tensor:
    """The middle of each image, `SIDE` pixels wide and high, or as the smallest image is: ``(N, 1, S, S)``."""
    cut, size = [], min(SIDE, *(side for group in images for side in group.shape[-2:]))
    for group in images:
        top, left = ((side - size) // 2 for side in group.shape[-2:])
        cut.append(group[:, :, top : top + size, left : left + size])
    return torch.cat(cut)
