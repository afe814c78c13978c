"""Loading a dataset: what is large is written once and mapped; a plugin may yield pieces."""

import os
import subprocess
import sys
from pathlib import Path

from daecore.data.batch_source import Held, Mapped
from daecore.experiment.loading import load_splits, renew_splits
from daecore.plugin.spec import spec


def test_what_is_large_is_mapped_and_not_loaded_again(tmp_path: Path) -> None:
    """With the same digest; what is small stays in memory, and nothing is written for it."""
    digits = spec("dataset", "digits")
    small = load_splits(digits, tmp_path)
    assert isinstance(small.train.source, Held)
    assert not isinstance(small.train.source, Mapped)
    assert list(tmp_path.iterdir()) == []
    large = load_splits(digits, tmp_path, large=1000)
    assert isinstance(large.train.source, Mapped)
    assert large.digest == small.digest
    (values,) = tmp_path.glob("sets/digits-*/train-0.values")
    values.write_bytes(bytes(values.stat().st_size))
    assert not load_splits(digits, tmp_path).train.data.any()  # it was not asked again


def test_what_was_written_before_is_made_anew_for_who_asks(tmp_path: Path) -> None:
    """As for a run that is to be fresh; who has the old one open keeps it, and it is made anew once."""
    arc = spec("dataset", "arc")
    before = load_splits(arc, tmp_path, large=1000)
    (header,) = tmp_path.glob("sets/arc-*/header.json")
    values = header.with_name("train-0.values")
    values.write_bytes(bytes(values.stat().st_size))  # which shows whether it was written again
    began = header.stat().st_mtime + 1
    assert not load_splits(arc, tmp_path, large=1000, since=began - 5).train.data.any()
    again = load_splits(arc, tmp_path, large=1000, since=began)
    assert again.train.data.any()
    assert again.digest == before.digest
    os.utime(header, (began, began))
    assert not renew_splits(arc, tmp_path, began)
    assert not renew_splits(spec("dataset", "digits"), tmp_path, began)  # of which nothing is kept


def test_other_options_are_other_sets(tmp_path: Path) -> None:
    one, two = (spec("dataset", {"arc": {"train": count}}) for count in (100, 200))
    assert [len(load_splits(it, tmp_path, large=0).train) for it in (one, two)] == [100, 200]


PIECES = '''
import torch
from daecore import Dataset, Options, Piece, Samples, hookimpl, stream

class Many(Options):
    """More than memory holds."""

def many(options, *, cache):
    for part, count in (("train", 5), ("validation", 1), ("test", 1)):
        for number in range(count):
            drawn = torch.randint(0, 256, (40, 1, 8, 8), generator=stream(0, part, number), dtype=torch.uint8)
            yield Piece(part, Samples(drawn, torch.arange(40) % 4))

@hookimpl
def register_datasets():
    return [Dataset(name="many", options=Many, function=many, classes=4, shapes="images",
                    sample_shape=lambda options: (1, 8, 8))]
'''


REST = """
@hookimpl
def register_datasets():
    return [Dataset(name="other", options=Many, function=other, shapes="images", sample_shape=lambda _: (1, 8, 8))]
"""


def test_a_dataset_may_yield_pieces(tmp_path: Path) -> None:
    """A few lines of one's own; it is checked, fetched and listed like any other."""
    (tmp_path / "many.py").write_text(PIECES)
    environment = {**os.environ, "DAE_PLUGIN_PATH": str(tmp_path), "DAE_DATA": str(tmp_path / "data"), "COLUMNS": "200"}

    def dae(*words: str) -> str:
        command = [str(Path(sys.executable).parent / "dae"), *words]
        done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert "✗" not in dae("plugins", "check", "many")
    fetched = dae("data", "fetch", "many")
    assert "many: 200 training, 40 validation, 40 test samples" in fetched
    assert dae("data", "fetch", "many") == fetched
    assert "sets many-" in dae("data", "list")


def test_what_a_dataset_gives_must_be_one(tmp_path: Path) -> None:
    """Something else is told in the words of who wrote the plugin, and nothing is left."""
    pieces = PIECES.replace("yield Piece(part, Samples(drawn, torch.arange(40) % 4))", "yield drawn")
    head, _, _ = PIECES.replace("def many", "def other").partition("    for part")
    (tmp_path / "wrong.py").write_text(pieces)
    (tmp_path / "other.py").write_text(f"{head}    return 3\n{REST}")
    environment = {**os.environ, "DAE_PLUGIN_PATH": str(tmp_path), "DAE_DATA": str(tmp_path / "data"), "COLUMNS": "200"}
    dae = str(Path(sys.executable).parent / "dae")
    expected = {"many": "gives daecore.Piece(part, samples), but", "other": "or yields daecore.Piece, but 3"}
    for name, said in expected.items():
        command = [dae, "data", "fetch", name]
        done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 2
        assert said in done.stderr
        assert "Traceback" not in done.stderr
    assert list((tmp_path / "data" / "sets").glob("[!.]*")) == []
