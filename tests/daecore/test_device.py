"""Where and how a stage computes: decided once, and recorded."""

import subprocess
import sys

import pytest
import torch

from daecore.device import autocast, has_bf16, resolve_device
from daecore.errors import InputError
from daecore.processors import usable


def test_threads_are_recorded():
    """Zero means all that this process may use; a number is kept."""
    assert resolve_device("cpu").threads == usable()
    assert resolve_device("cpu", threads=3).threads == 3


def test_applied_sets_threads_and_puts_them_back():
    """Also when the stage fails."""
    before = torch.get_num_threads()
    device = resolve_device("cpu", threads=before + 1)

    def stage() -> None:
        with device.apply():
            raise ArithmeticError(torch.get_num_threads())

    with pytest.raises(ArithmeticError, match=str(before + 1)):
        stage()
    assert torch.get_num_threads() == before


DENORMAL = """
import torch
from daecore.device import resolve_device

tiny = torch.full((4_000_000,), 1e-30)
assert (tiny * 1e-10 != 0).all()  # and the pool's threads exist from now on
with resolve_device("cpu", threads=2).apply():
    print((tiny * 1e-10 != 0).sum().item(), (tiny * 1e-7 != 0).sum().item())
print((tiny * 1e-10 != 0).sum().item())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere one thread of the pool alone is set")
def test_a_place_takes_the_tiniest_numbers_for_zero_in_all_of_its_threads():
    """Else a unit that weight decay has killed slows a training down; 1e-37 is a number, and afterwards 1e-40 is."""
    done = subprocess.run([sys.executable, "-c", DENORMAL], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["0", "4000000", "4000000"]


def test_auto_is_bf16_where_the_hardware_has_it():
    assert resolve_device("cpu", "auto").precision == ("bf16" if has_bf16("cpu") else "float32")
    assert resolve_device("cpu", "float32").precision == "float32"
    assert resolve_device("cpu", "bf16").precision == "bf16"


def test_the_meta_device_computes_in_float32():
    """It has no hardware, hence no bf16."""
    assert resolve_device("meta").precision == "float32"


@pytest.mark.parametrize(("precision", "dtype"), [("float32", torch.float32), ("bf16", torch.bfloat16)])
def test_autocast_decides_the_matrix_product(precision, dtype):
    with autocast(torch.device("cpu"), precision):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == dtype


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_cuda_where_there_is_none_is_refused():
    with pytest.raises(InputError, match=r"'cuda', but torch sees no CUDA device here\. Use 'auto' or 'cpu'"):
        resolve_device("cuda")


def test_a_place_survives_json():
    """A device is part of stage keys and records."""
    device = resolve_device("cpu", "float32", 2)
    assert type(device).model_validate_json(device.model_dump_json()) == device
