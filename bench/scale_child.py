"""One measurement of `scale.py`, in a process of its own: what it found is its last line, as JSON."""

import json
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CROP, CROPS, BATCH = 40, 6_400, 128  # an epoch is so many crops, whatever the folder holds


def main() -> None:
    """Do what the first word says."""
    what, first, second, *rest = sys.argv[1:]
    measures: dict[str, Callable[..., dict[str, Any]]] = {
        it.__name__: it for it in (train, idle, decode, pillow, write, mapped, runs)
    }
    print(json.dumps(measures[what](Path(first), Path(second), *map(int, rest))))


def train(folder: Path, data: Path) -> dict[str, Any]:
    """Load a folder and train one epoch on some of its crops."""
    with peak() as memory:
        import torch

        from daecore.data.samples import Samples
        from daecore.experiment.loading import load_splits
        from daecore.plugin.spec import spec
        from daecore.training.checkpoint import tensors_digest
        from daecore.training.loop import fit
        from daecore.training.options import TrainingOptions

        began = time.perf_counter()
        train = load_splits(spec("dataset", {"image_folder": {"path": str(folder), "size": CROP}}), data).train
        chosen = torch.randperm(len(train), generator=torch.Generator().manual_seed(0))[:CROPS]
        loaded = time.perf_counter() - began
        model, options = network(), TrainingOptions(epochs=1, batch=BATCH)
        some: Samples = train.select(chosen)
        for _ in fit(model, loss, some, options, seed=0):
            pass
    return {"load_seconds": loaded, "peak_bytes": memory[0], "weights": tensors_digest(model.state_dict())}


def idle(folder: Path, data: Path, side: int = CROP) -> dict[str, Any]:
    """The same without data: as many pictures of nothing."""
    with peak() as memory:
        import torch

        import daecore.experiment.loading  # noqa: F401 -- what the other process has imported, too
        from daecore.data.samples import Samples
        from daecore.plugin.spec import spec
        from daecore.training.loop import fit
        from daecore.training.options import TrainingOptions

        spec("dataset", {"image_folder": {"path": str(folder), "size": CROP}})
        nothing = Samples(torch.zeros((BATCH, 1, side, side), dtype=torch.uint8))
        for _ in fit(network(), loss, nothing, TrainingOptions(epochs=CROPS // BATCH, batch=BATCH), seed=0):
            pass
    return {"peak_bytes": memory[0]}


def write(folder: Path, data: Path, count: int) -> dict[str, Any]:
    """A set of so many pictures, in pieces."""
    import torch

    from daecore.data.sample_store import Piece, write_pieces
    from daecore.data.samples import Samples

    generator = torch.Generator().manual_seed(0)
    sizes = [("validation", BATCH), ("test", BATCH), *[("train", 4096)] * (count // 4096)]
    drawn = ((part, torch.randint(256, (n, 1, 64, 64), dtype=torch.uint8, generator=generator)) for part, n in sizes)
    write_pieces((Piece(part, Samples(values)) for part, values in drawn), folder, classes=None)
    return {}


def mapped(folder: Path, data: Path) -> dict[str, Any]:
    """One epoch on that set."""
    with peak() as memory:
        from daecore.data.sample_store import open_sets
        from daecore.training.checkpoint import tensors_digest
        from daecore.training.loop import fit
        from daecore.training.options import TrainingOptions

        splits, model = open_sets(folder), network()
        assert splits is not None
        for _ in fit(model, loss, splits.train, TrainingOptions(epochs=1, batch=BATCH), seed=0):
            pass
    return {"peak_bytes": memory[0], "weights": tensors_digest(model.state_dict())}


def decode(folder: Path, data: Path) -> dict[str, Any]:
    """Decode a folder."""
    from daecore.data import decode as decoded
    from daecore.data import find_images

    found = find_images(folder).listed
    decoded(found[:1], 1, data)  # as of Pillow, imports do not count
    began = time.process_time()
    decoded(found, 1, data)
    return {"cpu_seconds": time.process_time() - began}


def pillow(folder: Path, data: Path) -> dict[str, Any]:
    """Decode it as users of Pillow do."""
    import numpy as np
    from PIL import Image

    files = sorted(folder.iterdir())
    np.asarray(Image.open(files[0]).convert("L"))
    began = time.process_time()
    for file in files:
        np.asarray(Image.open(file).convert("L"))
    return {"cpu_seconds": time.process_time() - began}


def runs(root: Path, data: Path, count: int) -> dict[str, Any]:
    """Questions to a store with so many finished runs, in CPU milliseconds."""
    from daecore_flows.store import housekeeping, tracking
    from daecore_flows.store.lookup import find_run
    from daecore_flows.store.store import Store

    store = Store(root, data)
    store.enter()
    tracking.prepare(store)
    first = tracking.start(tracking.experiment_id("mnist", store), "run", {"stage": "denoise"}, {"seed": 0})
    tracking.finish(first, "FINISHED")
    multiply(store.database, first, count - 1)
    asked: dict[str, Callable[[], object]] = {
        "dae runs": lambda: tracking.runs(tracking.WHOLE, 20),
        "find_run": lambda: find_run(first),
        "gc --dry-run": lambda: housekeeping.collectable(store, 5),
    }
    found = {}
    for name, ask in asked.items():
        ask()  # once to warm up what is imported
        began = time.process_time()
        ask()
        found[name] = 1000 * (time.process_time() - began)
    return found


def multiply(database: Path, run: str, copies: int) -> None:
    """Copy a run's rows under other ids."""
    with sqlite3.connect(database) as connection:
        for table in ("runs", "tags", "params"):
            names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            row = connection.execute(f"SELECT * FROM {table} WHERE run_uuid = ?", (run,)).fetchall()
            place = names.index("run_uuid")
            ids = [f"{number:032x}" for number in range(1, copies + 1)]
            copied = ((*it[:place], one, *it[place + 1 :]) for one in ids for it in row)
            connection.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(names))})", copied)


def network() -> Any:
    """A very small autoencoder, whose own memory and time are small."""
    import torch

    torch.manual_seed(0)
    layers = torch.nn
    return layers.Sequential(layers.Conv2d(1, 4, 8, stride=8), layers.ReLU(), layers.ConvTranspose2d(4, 1, 8, stride=8))


def loss(model: Any, batch: Any, generator: Any) -> Any:
    """Squared error under Gaussian noise."""
    import torch

    noise = torch.randn(batch.clean.shape, generator=generator)
    return (model(batch.clean + 0.1 * noise) - batch.clean).square().mean()


@contextmanager
def peak() -> Iterator[list[int]]:
    """The most memory that the process held beyond the page cache, in bytes, looked at every few milliseconds."""
    found, done = [0], threading.Event()

    def watch() -> None:
        while not done.wait(0.02):
            found[0] = max(found[0], resident())

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    yield found
    done.set()
    watcher.join()
    found[0] = max(found[0], resident())


def resident() -> int:
    """RssAnon, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon"))


if __name__ == "__main__":
    main()
