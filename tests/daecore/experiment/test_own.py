"""Definitions of a program: options follow from signatures, digests from code, and each fault is a sentence."""

import functools
import linecache
import sys
from collections.abc import Iterator
from itertools import count
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from daecore import define_architecture, define_objective
from daecore.corruption.corruptor import Corruptor
from daecore.data.samples import Batch
from daecore.errors import InputError, PluginError
from daecore.experiment.provenance import provenance, require_same
from daecore.model.autoencoder import Autoencoder, Shapes, initialise
from daecore.plugin import definitions as defined
from daecore.plugin.registry import registry
from daecore.plugin.spec import spec

SHAPES = Shapes((1, 4, 4), (1, 4, 4))
NUMBERS = count()


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    """What a test defines ends with it."""
    yield
    defined._definitions.clear()
    defined._sources.clear()


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module without a file, as that of a notebook is."""
    module = ModuleType("notebook_of_a_test")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    cell(module, "import enum\nimport functools\nimport torch\nfrom torch import nn\nimport daecore")
    return module


def cell(module: ModuleType, code: str) -> None:
    """Run a cell, whose lines Python finds as those of a notebook's."""
    name = f"<cell {next(NUMBERS)}>"
    linecache.cache[name] = (len(code), None, code.splitlines(keepends=True), name)
    exec(compile(code, name, "exec", dont_inherit=True), vars(module))


def digest(name: str, kind: Any = "architecture") -> str:
    return registry().find(kind, name).provenance.digest


def test_a_function_is_an_architecture() -> None:
    """Its options have types, defaults and limits; the module that it gives is an autoencoder."""

    @define_architecture
    def plain(input_shape: tuple[int, ...], output_shape: tuple[int, ...], width: int = 8, deep: bool = False) -> Any:
        """A plain one.

        And more.
        """
        return nn.Sequential(nn.Conv2d(input_shape[0], width, 3, padding=1), nn.Conv2d(width, output_shape[0], 1))

    assert plain.__name__ == "plain"  # it stays what it is
    assert registry().find("architecture", "plain").extension.summary == "A plain one."
    assert spec("architecture", "plain").dump() == {"plain": {"width": 8, "deep": False}}
    network = initialise(spec("architecture", {"plain": {"width": 3}}), SHAPES, 0)
    assert isinstance(network, Autoencoder)
    assert network(torch.rand(2, 1, 4, 4)).shape == (2, 1, 4, 4)
    assert network.encoder[0].out_channels == 3  # type: ignore[index, union-attr]
    with pytest.raises(ValueError, match=r"there is no option 'wide' here. Did you mean 'width'"):
        spec("architecture", {"plain": {"wide": 3}})


def test_a_class_is_an_architecture() -> None:
    """Of a module, or of an autoencoder, which stays what it is."""

    @define_architecture
    class Own(Autoencoder):
        def __init__(self, input_shape: tuple[int, ...], output_shape: tuple[int, ...], code: int = 2) -> None:
            super().__init__(nn.Sequential(nn.Flatten(), nn.Linear(16, code)), nn.Linear(code, 16))

    network = initialise(spec("architecture", {"Own": {"code": 5}}), SHAPES, 0)
    assert type(network) is Own
    assert network.encoder(torch.zeros(2, 1, 4, 4)).shape == (2, 5)


def test_an_architecture_that_gives_no_module_is_told() -> None:
    @define_architecture
    def nothing(input_shape: Any, output_shape: Any) -> None:
        pass

    with pytest.raises(InputError, match=r"gives a daecore\.Autoencoder or a torch\.nn\.Module, not .*NoneType"):
        initialise(spec("architecture", "nothing"), SHAPES, 0)


def loss(name: str, **options: Any) -> Tensor:
    """What an objective says of a network that changes nothing."""
    chosen = spec("objective", {name: options})
    extension: Any = chosen.extension
    batch = Batch(torch.full((2, 1, 4, 4), 0.5), None, torch.arange(2))
    found: Tensor = extension.function(chosen.options, Corruptor(()))(nn.Identity(), batch, torch.Generator())
    return found


def test_a_function_is_an_objective() -> None:
    """Of what it gives the mean is taken; its options are its own."""

    @define_objective
    def offset(restored: Tensor, clean: Tensor, by: float = 0.25) -> Tensor:
        return restored - clean + by

    assert loss("offset") == 0.25
    assert loss("offset", by=2) == 2


def test_an_objective_that_gives_no_tensor_is_told() -> None:
    @define_objective
    def number(restored: Tensor, clean: Tensor) -> float:
        return 0.5

    with pytest.raises(PluginError, match=r"The objective 'number' gives 0.5, and no tensor"):
        loss("number")


SHAPED = "input_shape, output_shape"


@pytest.mark.parametrize(
    ("taken", "said"),
    [
        ("", "must take input_shape and output_shape, by name; it lacks input_shape and output_shape"),
        ("input_shape", "it lacks output_shape"),
        (f"{SHAPED}, /", "by name; it lacks input_shape and output_shape"),
        ("*input_shape, output_shape", "it lacks input_shape"),
        (f"{SHAPED}, **options", "each with a type and a default, as width: int = 8; options has none"),
        (f"{SHAPED}, width=8", "width has none"),
        (f"{SHAPED}, width: int", "width has none"),
        (f"{SHAPED}, _width: int = 8", "takes _width, and an option's name begins with a letter"),
        (f"{SHAPED}, width: int = 'a'", "options.width: Input should be a valid integer"),
        (f"{SHAPED}, width: int = None", "options.width: Input should be a valid integer"),
        (f"{SHAPED}, rate: float = float('nan')", "options.rate: Input should be a finite number"),
        (f"{SHAPED}, layer: nn.Module = nn.ReLU()", "options that users could not write: Unable to generate"),
        (f"{SHAPED}, layer: type = nn.ReLU", "options that users could not write: Unable to serialize"),
        (f"{SHAPED}, copy: bool = True", "options that users could not write: Field name \"copy\""),
        (f"{SHAPED}, width: 'Nobody' = 8", "does not say what it takes: name 'Nobody' is not defined"),
    ],
)  # fmt: skip
def test_what_cannot_be_options_is_told(notebook: ModuleType, taken: str, said: str) -> None:
    """When it is defined, and nothing is left of it."""
    with pytest.raises(PluginError) as told:
        cell(notebook, f"@daecore.define_architecture\ndef wrong({taken}):\n    pass\n")
    assert str(told.value).startswith("The architecture 'wrong' ")
    assert said in str(told.value)
    assert "wrong" not in registry().names("architecture")


@pytest.mark.parametrize("given", [5, None, lambda input_shape, output_shape: 0, functools.partial(print), dict, print])
def test_what_is_no_function_with_a_name_is_told(given: Any) -> None:
    with pytest.raises(PluginError, match=r"is no function or class|does not say what it takes|must take input_shape"):
        define_architecture(given)


def test_a_plugin_keeps_its_name(notebook: ModuleType) -> None:
    with pytest.raises(PluginError, match="The architecture name 'conv' is a plugin's"):
        cell(notebook, f"@daecore.define_architecture\ndef conv({SHAPED}):\n    pass\n")


def test_code_that_cannot_be_found_is_told(notebook: ModuleType) -> None:
    """Its own, or that of what it calls: nothing would tell when it changes."""
    exec(f"def own({SHAPED}): pass", vars(notebook))
    with pytest.raises(PluginError, match=r"code of the architecture 'own' cannot be found.* that of own is not there"):
        define_architecture(notebook.own)
    exec("def helper(): pass", vars(notebook))
    with pytest.raises(PluginError, match=r"that of helper is not there. Define it in a file"):
        cell(notebook, f"@daecore.define_architecture\ndef net({SHAPED}):\n    return helper()\n")


NET = f"@daecore.define_architecture\ndef net({SHAPED}):\n    return Block(WIDTH)\n"
BLOCK = "class Block(Lower):\n    def forward(self, x):\n        return act(x)\n"
LOWER = "class Lower(nn.Module):\n    def __init__(self, width):\n        super().__init__()\n"
CELLS = {"WIDTH": "WIDTH = 8", "act": "act = lambda x: x.relu()", "Lower": LOWER, "Block": BLOCK, "net": NET}


def digest_of(module: ModuleType, **changes: str) -> str:
    for code in (CELLS | changes).values():
        cell(module, code)
    return digest("net")


def test_the_same_code_has_the_same_digest(notebook: ModuleType) -> None:
    """In another cell, after other ones, in another process: nothing is trained again."""
    first = digest_of(notebook)
    cell(notebook, "elsewhere = 5\ndef other():\n    return WIDTH\n")
    assert digest_of(notebook) == first
    assert digest_of(notebook, elsewhere="elsewhere = 6") == first


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("net", NET.replace("WIDTH", "WIDTH + 1")),
        ("WIDTH", "WIDTH = 9"),
        ("act", "act = lambda x: x.tanh()"),
        ("Block", BLOCK.replace("act(x)", "-act(x)")),
        ("Lower", LOWER.replace("super().__init__()", "super().__init__(); self.width = width")),
    ],
)
def test_other_code_of_what_it_refers_to_is_another_digest(notebook: ModuleType, name: str, code: str) -> None:
    """A class, what that inherits from, a function in its method, a number: directly or not."""
    before = digest_of(notebook)
    assert digest_of(notebook, **{name: code}) != before


def test_what_a_run_keeps_are_all_parts_of_the_code(notebook: ModuleType) -> None:
    """In an order in which it could be run: what is referred to comes first."""
    digest_of(notebook)
    kept = defined.source_of("architecture", "net")
    places = [kept.index(part) for part in (LOWER, CELLS["act"], BLOCK, CELLS["WIDTH"], NET)]
    assert sorted(places[:3]) == [kept.index(part) for part in (LOWER, CELLS["act"], BLOCK)]
    assert places[-1] == max(places)
    assert defined.source_of("architecture", "nobodys") == ""


def test_values_around_a_function_are_part_of_its_code() -> None:
    """Of two that one function makes, only those tell which is which."""

    def made(width: int) -> str:
        @define_architecture
        def inner(input_shape: Any, output_shape: Any) -> nn.Module:
            return nn.Conv2d(1, 1, width)

        return digest("inner")

    assert made(3) != made(5)
    assert made(3) == made(3)


def test_functions_that_refer_to_each_other_come_to_an_end(notebook: ModuleType) -> None:
    """So do classes that name themselves, also where they are defined again."""
    cell(notebook, "def even(n):\n    return n == 0 or odd(n - 1)\ndef odd(n):\n    return n != 0 and even(n - 1)\n")
    again = (
        f"@daecore.define_architecture\nclass Net(nn.Module):\n    def __init__(self, {SHAPED}):\n"
        "        super(Net, self).__init__()\n        even(3)\n"
    )
    cell(notebook, again)
    before = digest("Net")
    assert defined.source_of("architecture", "Net").count("def ") == 3
    cell(notebook, again)
    assert digest("Net") == before


def test_decorators_and_objects_of_own_classes_count(notebook: ModuleType) -> None:
    decorator = (
        "def twice(f):\n    @functools.wraps(f)\n    def g(*a, **k):\n        f(*a, **k)\n        return f(*a, **k)\n"
        "    return g\n"
    )
    cell(notebook, decorator)
    cell(
        notebook, "class Table:\n    def rows(self):\n        return 3\ntable = Table()\nsizes = {'a': (1, {2.5, 3})}\n"
    )
    cell(notebook, f"@daecore.define_architecture\n@twice\ndef net({SHAPED}):\n    return table.rows(), sizes\n")
    kept = defined.source_of("architecture", "net")
    assert all(part in kept for part in (decorator, "class Table:", "'a'", "2.5"))


def test_another_program_is_told_to_define_it_again(notebook: ModuleType) -> None:
    """Or that it is another one now."""
    digest_of(notebook)
    recorded = provenance([spec("architecture", "net")])
    require_same(recorded, "The model")
    digest_of(notebook, WIDTH="WIDTH = 9")
    with pytest.raises(InputError, match="The architecture 'net' was this program with code"):
        require_same(recorded, "The model")
    defined._definitions.clear()
    with pytest.raises(InputError, match="it was defined in a program or a notebook; define it again before"):
        require_same(recorded, "The model")
