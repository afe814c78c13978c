"""Judging on disk: the referees' scores, the network's evaluation, and the pictures of both."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from daecore import figures
from daecore.corruption import Corruptor
from daecore.evaluation import evaluate, restore
from daecore.pairs import draw_pairs, enlarge
from daecore.referees import Referees, measure
from daecore.samples import Pairs, Samples, Splits, as_float
from daecore.spec import digest

from .datasets import splits_of
from .learning import load_network
from .records import Evaluated, EvaluationRequest, FileRef, RefereesRequest, Request, file_ref
from .store import Store

SHOWN = 12  # images in the panel: as many as the lecture shows in a row


def measure_referees(request: RefereesRequest, store: Store) -> FileRef:
    """Measure the referees and keep them, scores and fitted map, in one file."""
    path = _folder(request, store) / "referees.npz"
    with store.lock(f"referees-{digest(request.key)}"):
        measure(splits_of(request.dataset), Corruptor(request.corruptions)).save(path)
    return file_ref(store, path)


def evaluate_denoising(request: EvaluationRequest, store: Store) -> Evaluated:
    """Judge the network, and write ``per_image.npz`` and the pictures."""
    place, corruptor = request.place, Corruptor(request.corruptions)
    model = load_network(request.model, store).to(place.device)
    referees = Referees.load(request.referees.absolute(store))
    splits = splits_of(request.dataset, place.device)
    with place.applied():
        pairs = [draw_pairs(group, corruptor) for group in splits.test]
        judged = evaluate(model, pairs, referees, precision=place.precision)
    folder = _folder(request, store)
    scores: dict[str, Any] = {"digest": np.array(judged.digest), **judged.scores}
    np.savez_compressed(folder / "per_image.npz", **scores)
    if len(splits.train.shape) == 3:
        rows = _rows(model, splits_of(request.dataset), corruptor, referees, pairs[0])
        (folder / "panel.png").write_bytes(figures.png(figures.panel(rows)))
        restored = {"corrupted": judged.scores["corrupted_db"], "restored": judged.scores["psnr_db"]}
        (folder / "psnr_histogram.png").write_bytes(figures.png(figures.psnr_histogram(restored)))
    elif splits.train.shape == (2,):
        (folder / "panel.png").write_bytes(figures.png(_arrows(model, splits.train, pairs[0])))
    files = {path.name: file_ref(store, path) for path in sorted(folder.iterdir())}
    return Evaluated(report=judged.report, digest=judged.digest, files=files)


def _rows(
    model: torch.nn.Module, splits: Splits, corruptor: Corruptor, referees: Referees, pairs: Pairs
) -> dict[str, Tensor]:
    """The panel's rows; always the same test images, the first ones."""
    clean = Samples(pairs.clean.data[:SHOWN].cpu())
    few = Pairs(clean, pairs.corrupted[:SHOWN].cpu())
    best = referees.best
    device = next(model.parameters()).device
    return {
        "original": as_float(clean.data),
        "corrupted": enlarge(few.corrupted, clean.shape),
        f"best referee: {best.name}": referees.restore(best.name, few.corrupted, clean.shape),
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
