"""Judging on disk: the referees' scores, the network's evaluation, and the pictures of both."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from daecore import figures
from daecore.arrays import save_arrays
from daecore.corruption import Corruptor
from daecore.evaluation import evaluate, restore
from daecore.pairs import draw_pairs, enlarge
from daecore.referees import Referees, measure
from daecore.samples import Pairs, Samples, Splits, as_float
from daecore.spec import digest

from .datasets import splits_of
from .devices import ONE_CORE, held
from .learning import load_network
from .records import Evaluated, EvaluationRequest, FileRef, RefereesRequest, Request, file_ref
from .store import Store, write_atomically

SHOWN = 12  # images in the panel: as many as the lecture shows in a row


def measure_referees(request: RefereesRequest, store: Store) -> FileRef:
    """Measure the referees and keep them, scores and fitted map, in one file."""
    path = _folder(request, store) / "referees.npz"
    with store.lock(f"referees-{digest(request.key)}") as waited, held(ONE_CORE), ONE_CORE.applied():
        if not (waited and path.exists()):  # else another process has just measured them
            measure(splits_of(request.dataset), Corruptor(request.corruptions)).save(path)
        return file_ref(store, path)


def evaluate_denoising(request: EvaluationRequest, store: Store) -> Evaluated:
    """Judge the network, and write ``per_image.npz`` and the pictures."""
    place, corruptor = request.place, Corruptor(request.corruptions)
    model = load_network(request.model, store).to(place.device)
    referees = Referees.load(request.referees.absolute(store))
    splits = splits_of(request.dataset, place.device)
    with held(place), place.applied():
        pairs = [draw_pairs(group, corruptor) for group in splits.test]
        judged = evaluate(model, pairs, referees, precision=place.precision)
    pictures = _pictures(model, splits, pairs[0], referees, judged.scores)
    folder = _folder(request, store)
    with store.lock(f"evaluation-{digest(request.key)}"):
        save_arrays(folder / "per_image.npz", {"digest": np.array(judged.digest), **judged.scores})
        for name, picture in pictures.items():
            write_atomically(folder / name, figures.png(picture))
        files = {name: file_ref(store, folder / name) for name in ("per_image.npz", *pictures)}
    return Evaluated(report=judged.report, digest=judged.digest, files=files)


def _pictures(
    model: torch.nn.Module, splits: Splits, pairs: Pairs, referees: Referees, scores: Mapping[str, Any]
) -> dict[str, Figure]:
    """What one looks at, by file name: images have rows and a histogram, points have arrows."""
    if len(splits.train.shape) == 3:
        decibels = {"corrupted": scores["corrupted_db"], "restored": scores["psnr_db"]}
        panel = figures.panel(_rows(model, referees, pairs))
        return {"panel.png": panel, "psnr_histogram.png": figures.psnr_histogram(decibels)}
    return {"panel.png": _arrows(model, splits.train, pairs)} if splits.train.shape == (2,) else {}


def _rows(model: torch.nn.Module, referees: Referees, pairs: Pairs) -> dict[str, Tensor]:
    """The panel's rows; always the same test images, the first ones."""
    clean = Samples(pairs.clean.data[:SHOWN].cpu())
    few = Pairs(clean, pairs.corrupted[:SHOWN].cpu())
    best = referees.best
    device = next(model.parameters()).device
    return {
        "original": as_float(clean.data),
        "corrupted": enlarge(few.corrupted, clean.shape),
        f"best baseline: {best.name}": referees.restore(best.name, few.corrupted, clean.shape),
        "restored": restore(model, few.corrupted.to(device)).cpu(),
    }


def _arrows(model: torch.nn.Module, train: Samples, pairs: Pairs) -> Figure:
    x = pairs.corrupted[:400]
    return figures.arrows(x.cpu(), restore(model, x).cpu(), train.data[:2000].cpu())


def _folder(request: Request, store: Store) -> Path:
    """Where a stage leaves its files: named by its key."""
    folder = store.results / f"{request.key.stage}-{digest(request.key)[:32]}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
