"""Write deploy/prefect.yaml, the deployments for work pools, from the flows themselves: `make docs`."""

import tempfile
from pathlib import Path
from typing import Any

import yaml
from daecore_flows.store.store import Store

HERE = Path(__file__).parent
HEADING = """\
# The deployments for work pools and remote workers. Written by `make docs` from the recipes and flows; do not edit.
# On one machine `dae up` serves the same ones and needs none of this. With a work pool of your own, on the server that
# PREFECT_API_URL names:
#
#     prefect work-pool create --type process daecore
#     prefect deploy --prefect-file deploy/prefect.yaml --all     # or: --name mnist-erasure
#     prefect worker start --pool daecore --limit 1
#
# Schedules go into `schedules`, or are set on Prefect's page: `- {cron: "0 3 * * *"}`.
"""


def main() -> None:
    """Write the file."""
    (HERE.parent / "deploy" / "prefect.yaml").write_text(text(), encoding="utf-8")


def text() -> str:
    """The whole file."""
    with tempfile.TemporaryDirectory() as folder:  # an empty store: nobody's own recipes
        Store(Path(folder), Path(folder)).enter()
        from daecore_flows.studio.deployments import describe_deployments, tags

        return _yaml_of([(*item, tags(item[1], item[2].get("recipe", ""))) for item in describe_deployments()])


def _yaml_of(deployments: list[Any]) -> str:
    found: list[dict[str, Any]] = [
        {
            "name": name,
            "description": said,
            "entrypoint": f"{flow.fn.__module__}.{flow.fn.__name__}",
            "parameters": values,
            "tags": ["daecore", *tags],
            "schedules": [],
            "work_pool": {"name": "daecore"},
        }
        for flow, name, values, said, tags in deployments
    ]
    whole = {"name": "daecore", "prefect-version": "3.8.8", "pull": [], "deployments": found}
    return HEADING + yaml.safe_dump(whole, sort_keys=False, default_flow_style=None, width=120)


if __name__ == "__main__":
    main()
