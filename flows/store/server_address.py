"""Where the Prefect server of this process answers, as the environment says it."""

import os

URL, MARK = "PREFECT_API_URL", "DAE_TEMPORARY_SERVER"  # in the environment, for this process and its children


def pages() -> str:
    """Where Prefect's pages are served, without a slash at the end; empty where there are none to link to."""
    from daecore.addresses import without_password  # every command loads this module

    return "" if MARK in os.environ else without_password(os.environ.get(URL, "")).removesuffix("/api")
