"""What a program or a notebook asks of the laboratory: a network by its run, or to run an experiment.

The library finds it by entry points. A flow runs as a command runs it, with its progress; what ends it is raised, and
not made an exit status.
"""

import logging
from base64 import b64encode
from dataclasses import dataclass
from functools import partial
from html import escape
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from warnings import filterwarnings

from daecore.experiment.experiment import Experiment
from daecore.experiment.provenance import used_by
from daecore.plugin.definitions import HERE, source_of
from daecore.trained.loading import Located, load
from daecore.trained.network import TrainedNetwork

from .cli.folders import store_at
from .cli.watching import run_flow
from .store.store import Store, current_store

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from daecore.plugin.extension import Kind

    from .store.final_report import FinalReport, Reported

PANEL = "panel.png"

log = logging.getLogger("daecore.progress")


@dataclass(frozen=True)
class Finished:
    """A run that has ended well; a notebook shows its headline and the panel of pictures.

    Attributes:
        run_id: Of MLflow's run, by which every command and `daecore.load` know it.
        report: What was measured.
        store: Where it is kept.
    """

    run_id: str
    report: "FinalReport"
    store: Store

    @property
    def network(self) -> TrainedNetwork:
        """Its network."""
        return load(self.run_id, store=self.store.root)

    @property
    def panel(self) -> Path | None:
        """The file of its panel: originals, damaged, restored; None where it has none."""
        from .store import tracking

        _enter(self.store.root)  # the program may have gone on to another one
        path = tracking.artifact(self.run_id, PANEL)
        return path if path.is_file() else None

    def __str__(self) -> str:
        return "\n".join(self._lines())

    __repr__ = __str__

    def _lines(self) -> list[str]:
        from daecore.html.headline import headline, pretraining
        from daecore.transfer.scores import TransferReport

        said, report = headline(self.report.denoising), self.report
        transfer = TransferReport.model_validate({"rows": report.transfer, "differences": report.differences})
        lines = [said.text, said.remark, *pretraining(transfer), f"Run {self.run_id} in {self.store.root}"]
        return [line for line in lines if line]

    def _repr_html_(self) -> str:
        """For a notebook."""
        lines = "".join(f"<p>{escape(line)}</p>" for line in self._lines())
        panel = self.panel
        if panel is None:
            return lines
        encoded = b64encode(panel.read_bytes()).decode()
        return f'{lines}<img alt="original, damaged, restored" src="data:image/png;base64,{encoded}">'


def run(
    experiment: Experiment, *, store: "str | PathLike[str] | None" = None, fresh: bool = False, name: str = ""
) -> Finished:
    """Run an experiment, as `dae run` does.

    Args:
        experiment: What to run.
        store: Where it is kept; None: in that of ``DAE_STORE``, or ``./mlruns``.
        fresh: Ignore what is cached, and train anew.
        name: What the run says of the recipe it came from.

    Raises:
        InputError: It cannot be run.
        StoreError: The store cannot be written, or there is too little room.
        DaecoreError: Whatever ends it.
    """
    from daecore.addresses import hide_passwords

    from .cli.readiness import prepare
    from .store.final_report import final_report
    from .store.unfinished import close_runs

    opened = open_store(store)
    checked = prepare(experiment.model_dump(mode="json"), opened)
    defined = [(spec.kind, spec.name) for spec in used_by(checked) if spec.installed.provenance.distribution == HERE]
    for kind, called in defined:
        log.warning("the %s %r is defined in this program: its run keeps the code, and no YAML has it", kind, called)

    def start() -> "Callable[[], Reported]":
        from .pipeline import denoise

        asked: dict[str, Any] = checked.model_dump(mode="json")
        return partial(denoise, **asked, recipe=name, fresh=fresh)

    filterwarnings("ignore", message="IProgress not found")  # libraries want widgets for bars that are not shown
    try:
        ended = run_flow(start)
    except BaseException as error:
        hide_passwords(error)
        close_runs()
        raise
    _keep_code(ended.run_id, defined)
    return Finished(ended.run_id, final_report(ended, opened), opened)


def _keep_code(run_id: str, defined: "Sequence[tuple[Kind, str]]") -> None:
    """Keep the code that this program has defined among a run's artifacts, a file for each definition."""
    from .store import tracking

    with TemporaryDirectory() as folder:
        for kind, name in defined:
            path = Path(folder, f"{kind}-{name}.py")
            path.write_text(source_of(kind, name), encoding="utf-8")
            tracking.log_file(run_id, path, "defined")


def locate(text: str, store: "str | PathLike[str] | None" = None) -> Located:
    """Where the files of a run's network lie, or of a registered model.

    Args:
        text: What names it, see `daecore.load`.
        store: The store it is in; None: that of ``DAE_STORE``, or ``./mlruns``.

    Raises:
        InputError: There is no such store, run or model.
        StoreError: The network's file is gone or altered.
    """
    opened = _enter(store)
    from .store.lookup import find_run, model_of
    from .store.model_ref import weights_of

    run = find_run(text)
    return Located(weights_of(model_of(run), opened), partial(_find_bars, run.info.run_id, opened))


def open_store(folder: "str | PathLike[str] | None" = None) -> Store:
    """The store of a program, which is the process's from now on; nothing is created.

    Args:
        folder: Its folder; None: that of ``DAE_STORE``, or ``./mlruns``.
    """
    before = current_store()
    return store_at(before.root if folder is None else Path(folder), before.data)


def _enter(folder: "str | PathLike[str] | None") -> Store:
    """A store that is there, which is the process's from now on."""
    from .cli.runs import enter

    opened = open_store(folder)
    enter(opened)
    return opened


def _find_bars(run_id: str, store: Store, level: float) -> Path:
    """The file of a run's error bars; they are fitted now where it has none.

    Raises:
        InputError: They cannot be fitted here.
    """
    from .store.fitted_bars import bars_of
    from .store.lookup import find_run

    _enter(store.root)  # the program may have gone on to another one
    found = bars_of(find_run(run_id), level, store)
    if found is not None:
        return found

    def start() -> "Callable[[], Path]":
        from .error_bars import fit_error_bars_of

        return partial(fit_error_bars_of, run_id, level)

    return run_flow(start)
