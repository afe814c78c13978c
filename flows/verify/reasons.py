"""Reasons: what differs between how a run was computed and how it was computed now, a sentence each."""

from collections.abc import Iterator, Mapping, Sequence

from .kept import Kept

CODE = ("code", "git", "daecore")  # of ours: the digest of a stage's code says whether a commit matters
NAMES = {
    "system": "system and C library",
    "cpu": "processor",
    "instructions": "the processor's instructions that torch uses",
    "gpu": "GPU",
    "driver": "NVIDIA driver",
    "cuda": "CUDA",
    "cudnn": "cuDNN",
}
ON_A_GPU = " On a GPU some operations add in an order that changes from call to call."


def find_reasons(kept: Kept, computed: Mapping[str, Mapping[str, str]], dataset: str) -> tuple[str, ...]:
    """What is known to differ: data, plugins, code, device, threads, versions.

    Args:
        kept: The run.
        computed: With what each stage was computed now.
        dataset: SHA-256 of the samples as they are now.
    """
    return (*_data(kept, dataset), *kept.plugins, *_code(kept, computed), *_facts(kept, computed))


def no_reason(devices: Sequence[str]) -> str:
    """What to say where the result differs, and nothing that is known does.

    Args:
        devices: On which the stages were computed.
    """
    return (
        "Nothing that the run keeps differs: neither data, plugins, code and versions nor device, threads and "
        f"processor.{ON_A_GPU if 'cuda' in devices else ''} What made the difference is not known. Verify once more: "
        "if it differs from itself, something computes at random, a plugin or the hardware."
    )


def _data(kept: Kept, dataset: str) -> Iterator[str]:
    before = kept.report["dataset"]["sha256"]
    if before != dataset:
        yield f"The data of {kept.experiment.dataset.name} have changed: sha256 {before[:12]} then, {dataset[:12]} now."


def _code(kept: Kept, computed: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    """Of our own stages; where no digest was kept, the version is what is known."""
    changed = [name for name, now in computed.items() if kept.computed(name).get("code", now["code"]) != now["code"]]
    unknown = [name for name in computed if "code" not in kept.computed(name)]
    for name in (changed or unknown)[:1]:
        then, now = (
            f"{it.get('daecore', '?')} at {it.get('git', '')[:10] or '?'}" for it in _both(kept, computed, name)
        )
        if changed or then != now:
            which = f"The code of {_enumerate(changed)}" if changed else "The code of daecore"
            yield f"{which} has changed: daecore {then} then, {now} now."


def _facts(kept: Kept, computed: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    """Everything else that both sides say, once for all stages in which it differs alike."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for stage in computed:
        then, now = _both(kept, computed, stage)
        for name in (name for name in now if name not in CODE and name in then):
            if then[name] != now[name]:
                found.setdefault((name, then[name], now[name]), []).append(stage)
    for (name, then_value, now_value), stages in found.items():
        where = "" if len(stages) == len(computed) else f" ({_enumerate(stages)})"
        yield f"{NAMES.get(name, name)}: {then_value} then, {now_value} now{where}."


def _both(kept: Kept, computed: Mapping[str, Mapping[str, str]], stage: str) -> tuple[Mapping[str, str], ...]:
    return kept.computed(stage), computed[stage]


def _enumerate(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
