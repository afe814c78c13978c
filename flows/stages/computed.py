"""With what a stage's result was computed: device, threads, versions, processor; kept beside it, whoever reuses it.

The key holds what may change a result by design, as a digest. This holds what people are told where a result differs.
"""

import json
import logging
import platform
import re
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from pydantic import TypeAdapter, ValidationError

from daecore.device import Device
from daecore.plugin.spec import digest

from ..store import tracking
from ..store.files import write_atomically
from ..store.model_ref import ModelRef
from ..store.store import Store
from .key import Code
from .stage import Request
from .threads import without_threads

CPUS, DRIVER = Path("/proc/cpuinfo"), Path("/proc/driver/nvidia/version")
KNOWN = TypeAdapter(dict[str, str])

log = logging.getLogger("daecore.progress")


def facts(code: Code, device: Device | None) -> dict[str, str]:
    """What this process computes with, by the names that reports use.

    Args:
        code: Of the stage; its digest, and those of its libraries by their versions.
        device: Where; None for what takes one thread of the CPU.
    """
    found = {"device": "cpu", "threads": "1"}
    if device is not None:
        found = {"device": device.kind, "precision": device.precision, "threads": str(device.threads)}
    versions = {name: version(name) for name in code.libraries}
    gpu = _gpu() if found["device"] == "cuda" else {}
    return {**found, "code": code.sources[:16], **versions, **_machine(), **gpu, **tracking.environment()}


def keep_facts(stage: Any, request: Request, result: Any, store: Store) -> None:
    """Note with what a result was computed just now; nothing where another process has computed it."""
    code = getattr(stage, "code", None)
    if code is None or (isinstance(result, ModelRef) and not tracking.is_made_here(result.run_id)):
        return
    path = _path(request, store)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, json.dumps(facts(code, request.key.device)))
    store.files.give(path)


def kept_facts(request: Request, store: Store) -> dict[str, str]:
    """With what a result was computed; empty where nobody has noted it."""
    path = _path(request, store)
    try:
        return KNOWN.validate_json(store.files.bring(path).read_bytes()) if store.files.holds(path) else {}
    except (OSError, ValidationError) as error:
        log.warning("%s cannot be read (%s); the report does not say with what a stage was computed", path, error)
        return {}


def _path(request: Request, store: Store) -> Path:
    """In the folder that says with how many threads it was begun, which cleaning up spares as long as a run uses it."""
    return store.results / without_threads(request) / f"{digest(request.key)}.json"


@cache
def _machine() -> dict[str, str]:
    """Of a CPU its name and the instructions that torch uses; of the system its C library, which has the logarithm."""
    library = " ".join(platform.libc_ver()).strip()
    return {
        "system": f"{platform.system()} {platform.machine()} {library}".strip(),
        "cpu": _cpu(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
    }


def _cpu() -> str:
    try:
        found = re.search(r"^model name\s*: (.*)$", CPUS.read_text(), re.MULTILINE)
    except OSError:
        found = None
    return found[1].strip() if found else platform.processor() or platform.machine()


def _gpu() -> dict[str, str]:
    """The GPU that torch computes on, its driver and NVIDIA's libraries."""
    found = {"gpu": torch.cuda.get_device_name(), "cuda": str(torch.version.cuda)}
    found["cudnn"] = str(torch.backends.cudnn.version())
    try:
        driver = re.search(r"\s(\d+\.\d[\d.]*)\s", DRIVER.read_text())
    except OSError:
        driver = None
    return {**found, **({"driver": driver[1]} if driver else {})}
