"""The laboratory around the core: Prefect runs the stages, MLflow keeps what they give."""

from importlib.util import find_spec

from .working_folder import keep_out

NEEDED = ("prefect", "mlflow", "typer")  # by what these bring the rest is there, too

keep_out()  # before torch or Prefect is imported
if missing := [name for name in NEEDED if find_spec(name) is None]:
    raise ImportError(
        f"The laboratory of daecore (`dae`, its flows and pages) needs {', '.join(missing)}, which the small "
        "installation leaves out. Install it whole: pip install 'daecore[lab]'. The library, `import daecore`, works "
        "without."
    )
