"""Beyond one process: images a second of two that share a training over one, trials an hour on one and two Ray nodes.

    python bench/beyond.py train DIR SIZE RANK     one process of a training, for `measure_devices`

On one machine two processes have the cores of one; two nodes are two processors of it.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

ROUNDS, TRIALS = 3, 6
RATES = "training.learning_rate=[1.0e-3, 2.0e-3, 3.0e-3, 4.0e-3, 5.0e-3, 6.0e-3]"
SWEEP = ["sweep", "digits-erasure", "--space", RATES, "--set", "transfer=null", "--threads", "1"]
BEGIN_SECONDS = 120


def measure_devices(folder: Path, size: int) -> dict[str, float]:
    """Images a second of so many processes that share each batch, on all cores together; the median of rounds."""
    rates = []
    for number in range(ROUNDS):
        own = folder / f"world-{size}-{number}"
        own.mkdir()
        command = [sys.executable, __file__, "train", str(own), str(size)]
        begun = [subprocess.Popen([*command, str(rank)], stdout=subprocess.PIPE, text=True) for rank in range(size)]
        said = [process.communicate()[0] for process in begun]
        rates.append(float(said[0].splitlines()[-1]))
    return {"images_per_second": sorted(rates)[ROUNDS // 2]}


def measure_nodes(folder: Path, count: int) -> dict[str, float]:
    """Trials an hour of a sweep on so many nodes of one processor; those that only begin processes are not counted."""
    with tempfile.TemporaryDirectory(prefix="ray-", dir="/tmp") as short, cluster(Path(short), count) as address:
        seconds = []
        for trials in ("training.epochs=1", "training.epochs=30"):  # the first begins Ray's processes
            command = [str(Path(sys.executable).parent / "dae"), *SWEEP, "--set", trials, "--cluster", address]
            store = ["--parallel", str(TRIALS), "--store", str(folder / f"nodes-{count}")]
            began = time.perf_counter()
            subprocess.run([*command, *store], check=True, capture_output=True)
            seconds.append(time.perf_counter() - began)
    return {"trials_per_hour": TRIALS * 3600 / seconds[-1]}


@contextmanager
def cluster(folder: Path, count: int) -> Iterator[str]:
    """A cluster of so many nodes of one processor each, on this machine; the address of its head."""
    port = 56_380 + os.getpid() % 1000
    ray = [str(Path(sys.executable).parent / "ray"), "start", "--block", "--num-cpus=1", "--disable-usage-stats"]
    environment = {**os.environ, "RAY_USAGE_STATS_ENABLED": "0", "OMP_NUM_THREADS": "1"}
    head = ["--head", f"--port={port}", f"--temp-dir={folder}", "--include-dashboard=false"]
    with ExitStack() as nodes:
        for number in range(count):
            words = head if number == 0 else [f"--address=127.0.0.1:{port}"]
            with (folder / f"node-{number}.log").open("w") as log:
                node = subprocess.Popen(
                    [*ray, "--object-store-memory=100000000", *words], stdout=log, stderr=log, env=environment
                )
            nodes.callback(_end, node)
            _await(node, folder / f"node-{number}.log")
        yield f"127.0.0.1:{port}"


def _await(node: "subprocess.Popen[bytes]", log: Path) -> None:
    end = time.monotonic() + BEGIN_SECONDS
    while "--block" not in log.read_text() and "Ray runtime started" not in log.read_text():
        if node.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"Ray did not begin: {log.read_text()[-500:]}")
        time.sleep(0.2)


def _end(node: "subprocess.Popen[bytes]") -> None:
    node.terminate()
    node.wait()


def train(folder: Path, size: int, rank: int) -> float:
    """Two epochs of conv on pictures of 28 x 28; the second one's images a second."""
    import torch
    from setting import setting
    from torch.distributed import FileStore

    from daecore.plugin.spec import spec
    from daecore.processors import usable
    from daecore.training.joining import join_world
    from daecore.training.loop import fit
    from daecore.training.options import TrainingOptions
    from daecore.training.world import ALONE, World

    torch.set_num_threads(max(1, usable() // size))
    asked, clean = setting("conv", 60), spec("objective", "mse")
    objective = clean.extension.function(clean.options, asked.corruptor)
    options = TrainingOptions(epochs=2, batch=asked.batch, device="cpu")
    with ExitStack() as around:
        world = ALONE
        if size > 1:
            os.environ["GLOO_SOCKET_IFNAME"] = "lo"
            store = FileStore(str(folder / "meeting"), size)
            world = around.enter_context(join_world(store=store, world=World(rank, size)))
        *_, last = fit(asked.network(), objective, asked.samples, options, seed=0, world=world)
    return last.images_per_second


if __name__ == "__main__":
    print(train(Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])))
