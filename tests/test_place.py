"""Where and how a stage computes: decided once, and recorded."""

import os

import pytest
import torch

from daecore.errors import InputError
from daecore.place import autocast, has_bf16, resolve_place


def test_threads_are_recorded():
    """Zero means all that this process may use; a number is kept."""
    assert resolve_place("cpu").threads == len(os.sched_getaffinity(0))
    assert resolve_place("cpu", threads=3).threads == 3


def test_applied_sets_threads_and_puts_them_back():
    """Also when the stage fails."""
    before = torch.get_num_threads()
    place = resolve_place("cpu", threads=before + 1)

    def stage() -> None:
        with place.applied():
            raise ArithmeticError(torch.get_num_threads())

    with pytest.raises(ArithmeticError, match=str(before + 1)):
        stage()
    assert torch.get_num_threads() == before


def test_auto_is_bf16_where_the_hardware_has_it():
    assert resolve_place("cpu", "auto").precision == ("bf16" if has_bf16("cpu") else "float32")
    assert resolve_place("cpu", "float32").precision == "float32"
    assert resolve_place("cpu", "bf16").precision == "bf16"


def test_the_meta_device_computes_in_float32():
    """It has no hardware, hence no bf16."""
    assert resolve_place("meta").precision == "float32"


@pytest.mark.parametrize(("precision", "dtype"), [("float32", torch.float32), ("bf16", torch.bfloat16)])
def test_autocast_decides_the_matrix_product(precision, dtype):
    with autocast(torch.device("cpu"), precision):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == dtype


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_cuda_where_there_is_none_is_refused():
    with pytest.raises(InputError, match=r"'cuda', but torch sees no CUDA device here\. Use 'auto' or 'cpu'"):
        resolve_place("cuda")


def test_a_place_survives_json():
    """A place is part of stage keys and records."""
    place = resolve_place("cpu", "float32", 2)
    assert type(place).model_validate_json(place.model_dump_json()) == place
