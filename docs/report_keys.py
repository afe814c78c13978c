"""The page of the report's keys: every field of the record that `--report` writes, explained.

The fields come from the records. What a record does not say of itself stands in `WORDS`; a field without an
explanation and an explanation without a field stop the build.
"""

import inspect
import re
from typing import Any

WORDS = {
    "experiment": "the whole experiment, every default spelt out; `dae run report.json` runs it again",
    "digest": "SHA-256 of the experiment, whatever the order of its keys",
    "mlflow": "the run's id and experiment in MLflow, the server's address, and the run that trained the network",
    "prefect": "the id of the flow run in Prefect",
    "dataset": "SHA-256 of the samples, how many there are of each kind, and the shape of one",
    "denoising": "how well the network restores: see below",
    "sampling": "of a network that draws: [what its samples are worth](../../concepts/samplers.md)",
    "error_bars": "of a run with bounds: [what they are worth](../../concepts/error-bars.md)",
    "transfer": "a row for each classifier and number of labels: its error in percent, with an interval over draws",
    "differences": "paired differences of those errors: how many percentage points fewer one row makes than another",
    "training": "what the training took and gave: see below",
    "seconds": "how long the run took, whole and stage by stage",
    "reused": "the stages that came from the cache",
    "plugins": "each plugin that was used, with its distribution, version and the digest of its code",
    "computed": "with what each stage was computed, whoever did: device, threads, code, versions, processor, driver",
    "files": "where the store and the run's files lie",
    "layout": "the version of these keys; a report of another version is refused",
    "training.images_per_second": "training images a second",
    "training.seconds": "what the training took, over all its sessions",
    "training.precision": "`float32` or `bf16`",
    "training.device": "`cpu` or `cuda`",
    "training.threads": "CPU threads",
    "training.epochs": "how many epochs there were",
    "training.loss": "the last mean training loss",
    "training.weights_sha256": "SHA-256 of the weights; equal ones are equal bit by bit",
}


def report() -> str:
    """The page."""
    from daecore_flows.store.final_report import FinalReport

    from daecore.stats import Interval

    denoising, training = (FinalReport.model_fields[name].annotation for name in ("denoising", "training"))
    said = {**WORDS, **{f"denoising.{name}": text for name, text in attributes(denoising).items()}}
    keys = [*FinalReport.model_fields]
    keys += [f"denoising.{name}" for name in denoising.model_fields]
    keys += [f"training.{name}" for name in training.model_fields]
    if set(keys) != set(said):
        missing, left = sorted(set(keys) - set(said)), sorted(set(said) - set(keys))
        raise ValueError(f"docs/report_keys.py: no words for {missing}; words for what is no field: {left}.")
    head = "`dae run NAME --report out.json` writes one JSON object. The same file lies in the run as `report.json`."
    parts = ["# The report's keys", head]
    for title, prefix in (("The whole", ""), ("`denoising`", "denoising."), ("`training`", "training.")):
        chosen = [key for key in keys if key.startswith(prefix) and key.count(".") == prefix.count(".")]
        rows = [f"| `{key}` | {said[key]} |" for key in chosen]
        parts.append("\n".join([f"## {title}", "", "| key | what it is |", "|---|---|", *rows]))
    rows = [f"| `{name}` | {text} |" for name, text in attributes(Interval).items()]
    parts.append("\n".join(["## An interval", "", "| key | what it is |", "|---|---|", *rows]))
    parts.append("What the words mean stands in [the glossary](../../concepts/glossary.md).")
    return "\n\n".join(parts) + "\n"


def attributes(record: Any) -> dict[str, str]:
    """What a docstring in Google form says of each attribute."""
    text = inspect.getdoc(record) or ""
    block = text.partition("Attributes:\n")[2]
    found = re.findall(r"^ {4}(\w+): (.*(?:\n {8,}.*)*)", block, re.MULTILINE)
    return {name: re.sub(r"\s*\n\s*", " ", said).replace("``", "`") for name, said in found}
