"""One corruption at one strength: how every network was evaluated, as figures, a table and a sentence.

Knows reports. Does not train.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from daecore import stream
from daecore.evaluation import DenoisingReport
from daecore.stats import bootstrap, format_gain_db, in_db
from daecore.study import Measured, Table

NAMES = {"conv": "autoencoder", "unet": "U-Net"}  # the two networks on digits, in words


@dataclass(frozen=True)
class OneStrength:
    """What was found at one strength.

    Attributes:
        name: The beginning of its figures' names, as ``erasure-0.5``.
        words: The corruption and its strength in words.
        reports: How each network was evaluated: ``conv``, ``unet``, and maybe ``fashion``.
        psnr_db: Each network's dB on every test image, ``(N,)``.
    """

    name: str
    words: str
    reports: Mapping[str, DenoisingReport]
    psnr_db: Mapping[str, NDArray[np.float32]]

    @property
    def better(self) -> str:
        """Which of the two networks restores the digits better."""
        return max(NAMES, key=lambda it: in_db(self.reports[it].restored_db))


def figures(found: OneStrength) -> Iterator[tuple[str, Measured]]:
    """The numbers of one strength, by name, each mean with its interval over images."""
    for network, report in found.reports.items():
        mean = Measured.of(bootstrap(found.psnr_db[network], generator=stream(0, "bootstrap", "restored")), "dB")
        gain = Measured.of(in_db(report.gain_db), "dB")
        yield f"{found.name}.{network}_db", mean
        yield f"{found.name}.{network}_gain_db", gain
        if network == found.better:
            yield f"{found.name}.best_db", mean
            yield f"{found.name}.gain_db", gain
            yield f"{found.name}.gain_over_linear_db", Measured.of(in_db(report.gain_over_linear_db), "dB")
    report = found.reports["conv"]
    for name, baseline in {"linear": report.baselines["linear"], "best_baseline": report.best_baseline}.items():
        yield f"{found.name}.{name}_db", Measured(value=in_db(baseline.db), n=baseline.images, unit="dB")
    yield f"{found.name}.corrupted_db", Measured(value=in_db(report.corrupted_db), n=report.images, unit="dB")


def table(found: OneStrength) -> Table:
    """Every way to restore, best first."""
    digits, clothes = found.reports["conv"], found.reports.get("fashion")
    ours = {name: in_db(baseline.db) for name, baseline in digits.baselines.items()}
    ours |= {name: in_db(found.reports[name].restored_db) for name in NAMES}
    theirs: dict[str, float] = {}
    if clothes is not None:
        theirs = {name: in_db(baseline.db) for name, baseline in clothes.baselines.items()}
        theirs["conv"] = in_db(clothes.restored_db)
    named = {**NAMES, "identity": "nothing (as corrupted)"}
    rows = tuple(
        (named.get(name, name.replace("_", " ")), f"{ours[name]:.2f}", f"{theirs[name]:.2f}" if name in theirs else "")
        for name in sorted(ours, key=lambda it: -ours[it])
    )
    columns = 3 if theirs else 2
    title = f"{found.words[0].upper()}{found.words[1:]}: mean PSNR of a test image"
    return Table(
        title, ("restored by", "MNIST, dB", "Fashion-MNIST, dB")[:columns], tuple(row[:columns] for row in rows)
    )


def note(found: OneStrength) -> str:
    """The better network's lead, and whether it is a claim."""
    report = found.reports[found.better]
    best = report.best_baseline.name.replace("_", " ")
    between = bootstrap(found.psnr_db["unet"] - found.psnr_db["conv"], generator=stream(0, "bootstrap", "networks"))
    return (
        f"With {found.words}, the U-Net over the autoencoder: {format_gain_db(between)}. "
        f"The {NAMES[found.better]} over the best baseline, {best}: {format_gain_db(in_db(report.gain_db))}."
    )
