"""Our loop beside the bare loop and the peers: images a second, in one run, in turns, on this machine.

    python bench/bench.py [--quick] [--json out.json] [--threads N]
    python bench/bench.py --pipeline [--json out.json]     the whole `dae run` beside the sum of its training
    python bench/bench.py --beside [--json out.json]       2, 4 and 8 runs at once over as many in turn

Every contender trains the same network on the same images with the same corruption, batch and threads.
Peers run as their users write them (AdamW's defaults), with 0 and with 2 worker processes: the better counts.
Each measurement has a process of its own, so that nothing one contender sets or leaves behind reaches another.
"""

import argparse
import importlib.util
import json
import multiprocessing
import os
import platform
import statistics
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import beside
import pipeline
import torch
from ours import bare, ours
from peer_dataloader import dataloader
from peer_deepinv import deepinv
from peer_lightning import lightning
from setting import NETWORKS, images, setting

from daecore.device import resolve_device
from daecore.processors import usable

PRECISIONS = ("float32", "bf16")
WORKERS = (0, 2)
LOOPS = {"ours": ours, "bare": bare}
PEERS = {"dataloader": dataloader, "pytorch_lightning": lightning, "deepinv": deepinv}
# What we promise: ours over bare in each precision, over the fastest peer in the same one, and auto over float32 peers.
BARS = {
    "dense": {"bare_float32": 0.88, "bare_bf16": 0.80, "peer": 3.0, "auto": 4.0},
    "conv": {"bare_float32": 0.95, "bare_bf16": 0.95, "peer": 1.7, "auto": 2.8},
}

STEADY = 1.25  # upper over lower quartile of a loop's rounds: beyond it, something else used the processor

Contender = tuple[str, str, int]  # name, precision, workers; our loops have none


def main() -> None:
    """Measure, print the table, write the JSON."""
    arguments = _arguments()
    if arguments.pipeline or arguments.beside:
        whole = pipeline if arguments.pipeline else beside
        found = whole.measure()
        whole.show(found)
    else:
        found = {"machine": _machine(arguments.threads), "data": images()[1]}
        print(f"{found['machine']}; {found['data']}", *_missing(), sep="\n")
        for name in NETWORKS:
            rounds = _rounds(name, arguments)
            rates = {contender: statistics.median(values) for contender, values in rounds.items()}
            doubts, ratios = _doubts(rounds, rates), _ratios(rates)
            found[name] = {"images_per_second": rates, "rounds": rounds, "ratios": ratios, "doubts": doubts}
            _show(name, rates, ratios, doubts)
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=2), encoding="utf-8")


def _contenders() -> list[Contender]:
    """Who takes part."""
    peers = [name for name in PEERS if _installed(name)]
    loops = [(name, precision, 0) for precision in PRECISIONS for name in LOOPS]
    return loops + [(name, precision, workers) for name in peers for precision in PRECISIONS for workers in WORKERS]


def _rounds(network: str, arguments: argparse.Namespace) -> dict[str, list[float]]:
    """Every round of every contender; all take turns, so that a busy minute hits all alike."""
    measured: dict[str, list[float]] = {}
    rounds, steps = (2, 8) if arguments.quick else (5, 24)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["torch", "torchvision", "daecore.training.loop", *filter(_installed, PEERS)])
    with ProcessPoolExecutor(1, mp_context=context, max_tasks_per_child=1) as process:
        for _ in range(rounds):
            for contender in _contenders():
                rate = process.submit(_measure, network, contender, steps, arguments.threads).result()
                measured.setdefault(_label(*contender), []).append(rate)
    return measured


def _measure(network: str, contender: Contender, steps: int, threads: int) -> float:
    """Images a second of one contender, in this process."""
    torch.set_num_threads(threads)
    name, precision, workers = contender
    chosen = setting(network, steps)
    return LOOPS[name](chosen, precision) if name in LOOPS else PEERS[name](chosen, precision, workers)


def _label(name: str, precision: str, workers: int) -> str:
    return f"{name} {precision}" if name in LOOPS else f"{name} {precision} {workers}"


def _doubts(rounds: dict[str, list[float]], rates: dict[str, float]) -> list[str]:
    """Why these numbers may not be a measurement: an unsteady loop, or one that beats its own limit.

    Two threads on a shared machine wait for each other: a loop then loses a factor of ten at random.
    """
    loops = {name: values for name, values in rounds.items() if not _is_peer(name)}
    spreads = {name: _spread(values) for name, values in loops.items()}
    unsteady = [f"{name} varied by a factor of {spread:.2f}" for name, spread in spreads.items() if spread > STEADY]
    faster = [
        f"ours {p} beat bare {p}, its limit" for p in PRECISIONS if rates[f"ours {p}"] > 1.05 * rates[f"bare {p}"]
    ]
    return unsteady + faster


def _spread(values: list[float]) -> float:
    lower, _, upper = statistics.quantiles(values, n=4, method="inclusive")
    return upper / lower


def _ratios(rates: dict[str, float]) -> dict[str, float]:
    """What the bars are about."""
    auto = resolve_device("cpu", "auto").precision
    best = {p: max(rate for name, rate in rates.items() if _is_peer(name) and p in name) for p in PRECISIONS}
    ratios = {f"bare_{p}": rates[f"ours {p}"] / rates[f"bare {p}"] for p in PRECISIONS}
    ratios |= {f"peer_{p}": rates[f"ours {p}"] / best[p] for p in PRECISIONS}
    return ratios | {"auto": rates[f"ours {auto}"] / best["float32"]}


def _show(title: str, rates: dict[str, float], ratios: dict[str, float], doubts: list[str]) -> None:
    print(f"\n{title}\n{'':28}{'images/s':>10}")
    for name, rate in rates.items():
        print(f"  {name:26}{rate:10,.0f}")
    for name, ratio in ratios.items():
        bar = BARS[title].get(name, BARS[title].get(name.split("_")[0], 0))
        verdict = "no verdict" if doubts else "reached" if ratio >= bar else "MISSED"
        print(f"  {name:26}{ratio:10.2f}   bar {bar:.2f}   {verdict}")
    for doubt in doubts:
        print(f"  NOT A MEASUREMENT: {doubt}; run it on an idle machine")


def _is_peer(name: str) -> bool:
    return name.split(maxsplit=1)[0] in PEERS


def _installed(name: str) -> bool:
    return name == "dataloader" or importlib.util.find_spec(name) is not None


def _missing() -> list[str]:
    return [f"{name} is not installed and left out: pip install '.[bench]'" for name in PEERS if not _installed(name)]


def _machine(threads: int) -> str:
    return f"{platform.machine()}, {os.cpu_count()} cores, {threads} threads, torch {torch.__version__}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer steps and rounds")
    parser.add_argument("--pipeline", action="store_true", help="measure the whole pipeline instead")
    parser.add_argument("--beside", action="store_true", help="measure several runs at once instead")
    parser.add_argument("--json", type=Path, help="write all numbers there")
    parser.add_argument("--threads", type=int, default=usable(), help="CPU threads of each")
    return parser.parse_args()


if __name__ == "__main__":
    main()
