"""Parsers of what lies in a store, which may be somebody else's: records, journals, tags, cached results."""

import io
import json
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from daecore_flows.cli.recipes import recipe_table
from daecore_flows.guard.people import People
from daecore_flows.retraining import champions, decision
from daecore_flows.stages import caller
from daecore_flows.store import fitted_bars, journal, layout, process_tag, studio_record, unfinished
from daecore_flows.store.comparison import pairing
from daecore_flows.store.comparison.candidates import Candidate, read_candidate
from daecore_flows.store.file_ref import FileRef
from daecore_flows.store.files import file_digest
from daecore_flows.store.kept_data import kept_data
from daecore_flows.store.model_ref import ModelRef
from daecore_flows.store.shared.remembered import find_location
from daecore_flows.store.store import Store
from daecore_flows.studies.section import Section
from daecore_flows.studio.pull_steps import forbidden_steps
from daecore_flows.studio.up import served_plugins
from daecore_flows.sweep.trials import load_record
from fuzzed import Parser, by_file, given, of_file
from prefect.filesystems import LocalFileSystem
from prefect.results import ResultStore
from repairs import repair_lines
from rich.console import Console

from daecore.data.arrays import save_arrays
from daecore.html.gallery import gallery

RUN = "0" * 32
KEY = "0" * 64


def _store(room: Path) -> Store:
    return Store(room, room / "data")


def _journal(path: Path) -> object:
    with closing(journal.Journal(path)) as opened:
        found = opened.waiting
    journal.journals(path.parents[1])
    return found or None


def _in_journal(content: bytes, room: Path) -> object:
    (room / journal.FOLDER).mkdir(exist_ok=True)
    return by_file(_journal, f"{journal.FOLDER}/{RUN}.jsonl", content, room)


def _studio(path: Path) -> object:
    found = studio_record.running(path.parent) or studio_record.read_record(path.parent)
    return found and (found.start_page, found.runs_page, found.api)


def _shared(path: Path) -> object:
    found = find_location(path.parent)
    return found and (found.tracking_uri, found.prefect_url, found.shown, found.agrees_with(found))


def _people(path: Path) -> object:
    try:
        return People(path).names()
    except ValueError as error:
        if str(error).startswith(f"{path} does not hold"):
            return None
        raise


def _layout(path: Path) -> object:
    layout.require_layout(path.parent, path.parent / "none.db")
    return True


def _recipe(path: Path) -> object:
    Console(file=io.StringIO(), width=100).print(recipe_table({path.stem: path}))
    return True


def _threads(path: Path) -> object:
    return unfinished.goes_on(path.parent, _store(path.parents[1])) or True


def _in_folder(content: bytes, room: Path) -> object:
    (room / "begun").mkdir(exist_ok=True)
    return by_file(_threads, "begun/2", content, room)


def _kept(content: bytes, room: Path) -> object:
    (room / "data" / "decoded" / "x").mkdir(parents=True, exist_ok=True)
    return by_file(lambda path: kept_data(path.parents[2]), "data/decoded/x/of.txt", content, room)


def _sweep(content: bytes, room: Path) -> object:
    store = _store(room)
    (room / "sweeps").mkdir(exist_ok=True)
    (room / "sweeps" / f"{KEY}.json").write_bytes(content)
    found: Any = load_record(SimpleNamespace(key=KEY, question={}), store)  # type: ignore[arg-type]
    return [(trial.state, trial.reason, trial.value, trial.interval) for trial in found.trials] or None


def _tags(content: bytes, room: Path) -> object:
    """All that is read from tags of runs and models; every text goes to each."""
    text, store = content.decode(errors="replace"), _store(room)
    run = SimpleNamespace(data=SimpleNamespace(tags={"error_bars": text}), info=SimpleNamespace(run_id=RUN))
    version = SimpleNamespace(tags={champions.SETTLED: text})
    found: list[Any] = [Section.of(text), champions.settled_of(version), fitted_bars._known(run)]  # type: ignore[arg-type]
    process_tag.process_lives([text])
    try:
        tags = json.loads(text)
    except (ValueError, RecursionError):
        tags = None
    if isinstance(tags, dict):
        found.append(decision.State.of({key: str(value) for key, value in tags.items()}))
    if isinstance(found[0], Section):
        [file.intact(store) for file in found[0].files.values()]
    found.append(ModelRef.of(text, "The run"))
    return found


def _section(path: Path) -> object:
    """As the gallery shows a study that is there."""
    store = _store(path.parent)
    files = {it.name: it for it in (path, path.with_name("a.png"))}
    files["a.png"].write_bytes(b"PNG")
    refs = {name: FileRef(path=name, sha256=file_digest(it)) for name, it in files.items()}
    found = Section(id="a", run_id=RUN, seconds=1.0, files=refs)
    shown = {**found.content(store), "run_id": RUN, "link": "", "seconds": found.seconds}
    made = {"date": "today", "commit": "", "series": "it"}
    return gallery("It", [shown], {shown["id"]: found.pictures(store)}, failed={}, made=made)


def _cached(content: bytes, room: Path) -> object:
    """As Prefect reads a cached result, and as `Caller` then looks at it."""
    store = ResultStore(result_storage=LocalFileSystem(basepath=str(room)))
    (room / KEY).write_bytes(content)
    if not store.exists(KEY):
        return None
    found = store.read(KEY).result
    declared = [kind for kind in (FileRef, ModelRef, Section) if isinstance(found, kind)]
    if not declared:
        return None
    return caller._left_behind(found), caller.intact(
        found.model_copy(update={"run_id": ""}) if declared[0] is not FileRef else found
    )


def _report(path: Path) -> object:
    info = SimpleNamespace(run_id=RUN, run_name="a run", status="FINISHED")
    run: Any = SimpleNamespace(info=info, data=SimpleNamespace(tags={}))
    scores = path.with_name("scores.npz")
    if not scores.exists():
        save_arrays(scores, {"digest": np.array(KEY), "mse": np.ones(3, np.float32), "psnr_db": np.ones(3, np.float32)})
    other = read_candidate(run, path, scores)
    one = Candidate("1" * 32, "another", KEY, other.scores, {"seed": 1, "corruptions": [{"erasure": {"p": 0.5}}]})
    return pairing.compare([one, other])


def as_text(value: object) -> bytes:
    """As JSON."""
    return json.dumps(value).encode()


FILE = {"path": "results/training-0/weights.safetensors", "sha256": KEY}
SUMMARY = {"images_per_second": 1.5, "seconds": 2.0, "precision": "float32", "device": "cpu", "threads": 1,
    "epochs": 3,
           "loss": 0.1, "weights_sha256": KEY}  # fmt: skip
MODEL = {"run_id": RUN, "weights": FILE, "architecture": {"dense": {"widths": [6], "code": 3}}, "input_shape": [1,
    4, 4],
         "output_shape": [1, 4, 4], "summary": SUMMARY}  # fmt: skip
SECTION = {"id": "erasure", "run_id": RUN, "seconds": 1.0, "files": {"section.json": FILE}}
NOISE = {"sigma": 0.1, "missing": 0.05, "images": 10}
TAGS = (MODEL, SECTION, {"0.9": FILE}, {"dataset": KEY, "experiment": KEY, "noise": NOISE},
        {"dataset_sha256": KEY, "experiment_digest": KEY, **{f"noise_{key}": str(it) for key,
            it in NOISE.items()}})  # fmt: skip
RUNS = [{"seed": 0, "state": "finished", "value": 20.5, "run_id": RUN, "seconds": 3.5}]
TRIAL = {"number": 1, "point": {"seed": 1}, "stamp": KEY, "seeds": 1, "runs": RUNS, "refused": ""}


def _results(room: Path) -> list[bytes]:
    kinds = ((FILE, FileRef), (MODEL, ModelRef), (SECTION, Section))
    metadata = {"storage_key": KEY, "expiration": None, "serializer": {"type": "json"}, "prefect_version": "3.8.8"}
    made = [as_text({"__class__": f"{kind.__module__}.{kind.__qualname__}", "data": it}).decode() for it, kind in kinds]
    return [as_text({"metadata": metadata, "result": text}) for text in made]


CONTENT = {
    "id": "a", "title": "A", "description": "It.", "quick": True, "notes": ["so"],
    "figures": {"gain_db": {"value": 1.0, "low": 0.5, "high": 1.5, "n": 3, "unit": "dB"}},
    "tables": [{"title": "T", "head": ["a", "b"], "rows": [["1", "2"]]}],
    "pictures": [{"name": "a", "caption": "what one sees"}],
    "experiments": {"run a": {"seed": 0}}, "made": {"date": "2026-01-01", "commit": "0" * 40},
}  # fmt: skip
STUDIO = {"pid": 2**22 + 1, "started": 1.5, "mark": "0" * 32, "prefect": "http://127.0.0.1:4200",
    "mlflow": "http://localhost:5000",
          "public_prefect": "https://a.example:4201", "public_mlflow": ""}  # fmt: skip
REPORT = {
    "experiment": {"seed": 0, "corruptions": [{"erasure": {"p": 0.5}}], "training": {"epochs": 1}},
    "dataset": {"sha256": "a"}, "plugins": {"corruption erasure": "daecore 0.1.0"},
    "training": {"seconds": 1.5, "device": "cpu", "precision": "float32", "threads": 1},
    "denoising": {"gain_db": {"mean": 1.0, "low": 0.5, "high": 1.5, "n": 3}, "gain_mse": None},
}  # fmt: skip
SHARED = ({"database": "postgresql://me@host:5432/dae", "artifacts": "s3://bucket/name"},
          {"database": "postgresql:///dae?sslmode=require", "artifacts": "/mnt/dae"})  # fmt: skip
LINES = b"".join(b"00000000 %s\n" % as_text(it) for it in (
    {"metrics": {"1": {"loss": 0.5}}, "time": 1}, {"picture": "images/a.png", "png": "aGFsbG8="}, {"told_at": 0},
    {"end": "FINISHED", "why": ""},
))  # fmt: skip
JSON = (b"{", b"}", b"[", b"]", b":", b",", b'"', b"null", b"true", b"NaN", b"Infinity", b"1e999", b'"\\ud800"',
    b"\\u0000", b"[" * 2000,
        b"__class__", b"__exc_type__", b"pickle", b"..", b"/")  # fmt: skip
PARSERS = (
    Parser("journal", _in_journal, lambda room: [repair_lines(LINES)], (*JSON, b"told_at", b"metrics", b"\n"),
        repair_lines),
    Parser("studio", of_file(_studio, "studio.json"), given(as_text(STUDIO)), JSON, tree=True),
    Parser("shared", of_file(_shared, "shared.json"), given(*map(as_text, SHARED)), (*JSON, b"%", b"@", b"?sslmode=",
        b"s3://"), tree=True),
    Parser("people", of_file(_people, "people.json"), given(as_text({"ann": f"scrypt${'0' * 32}${KEY}"})), JSON,
        tree=True),
    Parser("layout", of_file(_layout, "layout"), given(b"3\n", b"2", b"11"), (b"\xd9\xa3", b"\x1b[2J")),
    Parser("recipe", of_file(_recipe, "recipe.yaml"), given(b"# A digit [bold]erased[/bold]\na: 1\n", b"a: 1"),
        (b"[/", b"]", b"[", b"# ", b"\\[", b"\x1b[2J")),
    Parser("threads", _in_folder, given(KEY.encode()), (b"/", b"../", b"\n", b"\xff")),
    Parser("kept_data", _kept, given(b"/home/me/pictures"), (b"\n", b"\x1b[2J")),
    Parser("sweep", _sweep, given(as_text({"key": KEY, "question": {}, "run_id": "", "trials": [TRIAL]})), JSON,
        tree=True),
    Parser("tags", _tags, given(*map(as_text, TAGS)), JSON, tree=True),
    Parser("section", of_file(_section, "section.json"), given(as_text(CONTENT)), JSON, tree=True),
    Parser("cached", _cached, _results, JSON, tree=True),
    Parser("report", of_file(_report, "report.json"), given(as_text(REPORT)), JSON, tree=True),
    Parser("served", of_file(lambda path: served_plugins(_store(path.parent)), "served.json"),
        given(as_text({"plugins": {"corruption erasure": "x"}})), JSON, tree=True),
    Parser("pull_steps", lambda content, room: forbidden_steps(content) or True, given(
        as_text({"pull_steps": [{"prefect.deployments.steps.set_working_directory": {"directory": "/x"}}]}),
        as_text({"name": "x"}),
    ), JSON, tree=True),
)  # fmt: skip
