"""Facts about named streams."""

import subprocess
import sys

import torch

from daecore.rng import stream


def numbers(*names: str | int, seed: int = 0) -> list[float]:
    return torch.rand(4, generator=stream(seed, *names)).tolist()


def test_the_same_names_give_the_same_numbers() -> None:
    assert numbers("noise", 3) == numbers("noise", 3)


def test_another_name_seed_or_order_gives_other_numbers() -> None:
    streams = [numbers("a", "b"), numbers("b", "a"), numbers("ab"), numbers("a", "b", seed=1), numbers(1), numbers("1")]
    assert len({tuple(stream) for stream in streams}) == len(streams)


def test_another_process_gives_the_same_numbers() -> None:
    """Python salts its own hash per process; a stream must not depend on it."""
    code = "import torch; from daecore.rng import stream; print(torch.rand(4, generator=stream(0, 'x')).tolist())"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == str(numbers("x"))


def test_the_numbers_are_the_ones_of_the_first_day() -> None:
    """A stream that changed would silently change every evaluation that was ever drawn."""
    assert stream(0, "noise").initial_seed() == 2250458507121960935


def test_the_meta_device_is_given_a_cpu_generator() -> None:
    assert stream(0, device="meta").device.type == "cpu"


def test_the_global_state_stays() -> None:
    before = torch.get_rng_state()
    numbers("anything")
    assert torch.equal(torch.get_rng_state(), before)


def test_two_streams_are_not_correlated() -> None:
    a, b = (torch.randn(10_000, generator=stream(0, name)) for name in ("a", "b"))
    assert abs(torch.corrcoef(torch.stack((a, b)))[0, 1].item()) < 0.05
