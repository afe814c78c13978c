"""The command line `dae`: its commands, and how a failure becomes an exit status and one paragraph.

Nothing heavy is imported before a command needs it: `dae --help` must start fast.
"""

import gc
import io
import os
import signal
import sys
from importlib.metadata import version
from typing import Annotated

try:
    import typer

    from .. import interrupts
    from ..store import temporary_files
    from . import (
        cite,
        compare,
        corrupt,
        data,
        people,
        plugins,
        recipes,
        restore,
        retrain,
        run,
        runs,
        stack,
        studio,
        study,
        sweep,
        sync,
        verify,
    )
except KeyboardInterrupt:  # nothing has begun
    raise SystemExit(130) from None

app = typer.Typer(
    name="dae",
    help="A laboratory for denoising autoencoders.",
    epilog="--plugin-path DIR (or DAE_PLUGIN_PATH), anywhere: single Python files in DIR are plugins, too.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _tell_version(wanted: bool) -> None:
    if wanted:
        print(f"daecore {version('daecore')}")
        raise typer.Exit


@app.callback()
def _every_command(
    asked: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Say which version this is.")
    ] = False,
) -> None:
    pass


app.command()(run.run)
app.command()(run.rerun)
app.command()(verify.verify)
app.command()(stack.stack)
app.command()(sweep.sweep)
app.command()(study.study)
app.command()(study.studies)
app.command()(retrain.retrain)
app.command("recipes")(recipes.list_recipes)
app.command()(recipes.show)
app.add_typer(plugins.app, name="plugins")
app.add_typer(data.app)
app.command()(studio.up)
app.add_typer(people.app, name="people")
app.command()(studio.status)
app.command()(studio.doctor)
app.command("runs")(runs.list_runs)
app.command("rm")(runs.remove)
app.command("gc")(runs.collect)
app.command()(sync.sync)
app.command()(compare.compare)
app.command()(restore.restore)
app.command()(corrupt.corrupt)
app.command()(cite.cite)


TORCHRUN = "TORCHELASTIC_RUN_ID"  # in the environment of what torchrun begins; its module is heavy
COLLECT_AT = 50_000  # new objects before garbage is looked for: imports make a million that stay, a third of their time
TRACEBACK = "DAE_TRACEBACK"  # set: what nobody raised on purpose is shown whole


def main(arguments: list[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: What follows `dae`; None takes the process's own.

    Returns:
        The exit status: 0, 1 for what failed, 2 for wrong input, 3 of `dae verify` for a run that is different, 130 for
        an interrupt.
    """
    # Before torch is loaded: idle OpenMP threads sleep soon instead of spinning. It costs a
    # lone training some 12 %, and makes two that share two cores four times faster: see docs/decisions/spinning.md.
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")
    os.environ["PYTHONSAFEPATH"] = "1"  # no child process runs a `random.py` that lies in the working folder
    before = gc.get_threshold()
    gc.set_threshold(COLLECT_AT, *before[1:])
    interrupts.answer()
    if arguments is None:
        temporary_files.is_whole_process()
        _print_whatever_comes()
    try:
        with interrupts.listen(signal.SIGINT):
            return _lead_or_follow(arguments) if TORCHRUN in os.environ else _run_command(arguments)
    finally:
        gc.set_threshold(*before)
        if arguments is None:
            gc.freeze()  # the process ends: to look through a million objects once more took 0.4 to 0.8 s


def _lead_or_follow(arguments: list[str] | None) -> int:
    """Of the processes that torchrun has begun the first one runs the command; the others train with it."""
    from daecore.training.joining import launched_world

    from ..stages import torchrun

    world = launched_world()
    if world.size == 1:
        return _run_command(arguments)
    torchrun.begin_command()
    if not world.leads:
        return _run_command(arguments, follow=True)
    try:
        return _run_command(arguments)
    finally:
        torchrun.dismiss()


def _print_whatever_comes() -> None:
    """Let no file name and no mark end a command: what the terminal's encoding lacks is shown by its number."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _run_command(arguments: list[str] | None, *, follow: bool = False) -> int:
    """Run a command, or follow the trainings of the process that does; how it ended, said."""
    try:
        words = _with_plugin_path(sys.argv[1:] if arguments is None else arguments)
        if follow:
            from ..stages import follower

            follower.follow_all()
            return 0
        app(words)
    except SystemExit as end:
        if interrupts.was_interrupted():
            return _say_stopped()
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException as error:
        if interrupts.was_interrupted():
            return _say_stopped()
        if not isinstance(error, Exception):
            raise
        status = _status(error)
        from daecore.addresses import hide_passwords

        hide_passwords(error)
        if status is None and TRACEBACK in os.environ:
            raise
        said = str(error) if status else f"{type(error).__name__}: {error} ({TRACEBACK}=1 shows where.)"
        print(f"dae: {said}", file=sys.stderr)
        return status or 1
    return _say_stopped() if interrupts.was_interrupted() else 0


def _say_stopped() -> int:
    """An interrupt that no command has answered: there is nothing to go on with."""
    print("Stopped.", file=sys.stderr)
    return 130


def _with_plugin_path(arguments: list[str]) -> list[str]:
    """Take ``--plugin-path DIR`` out, wherever it stands, and put it where the registry and every child looks.

    Raises:
        InputError: No folder follows.
    """
    rest: list[str] = []
    words = iter(arguments)
    for word in words:
        if word.split("=")[0] != "--plugin-path":
            rest.append(word)
            continue
        folder = word.partition("=")[2] or next(words, "")
        if not folder:
            from daecore.errors import InputError

            raise InputError("--plugin-path needs a folder: --plugin-path DIR.")
        os.environ["DAE_PLUGIN_PATH"] = os.pathsep.join(filter(None, [folder, os.environ.get("DAE_PLUGIN_PATH", "")]))
    return rest


def _status(error: Exception) -> int | None:
    """2 where nothing could be started, 1 where it failed on the way, None for what nobody raised on purpose."""
    from daecore.errors import DaecoreError, InputError, StoreError

    if isinstance(error, InputError | StoreError):
        return 2
    return 1 if isinstance(error, DaecoreError) else None
