"""What the environment says of the network, as our processes need it: this machine is asked without a proxy.

Prefect's and MLflow's servers answer on this machine, and their clients take proxies and certificates from the
environment: a proxy would answer in their place, and a file of certificates that is gone, or a kind of proxy that
nobody installed, ends a client before it asks. Downloads go through the user's proxy as before.
"""

import logging
import os
from collections.abc import MutableMapping
from importlib.util import find_spec

LOOPBACK = ("127.0.0.1", "localhost", "::1")
CERTIFICATES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PREFECT_API_SSL_CERT_FILE")
FOLDER = "SSL_CERT_DIR"
PROXIES = ("ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY")


def reach_this_machine(environment: MutableMapping[str, str] = os.environ) -> None:
    """Change an environment, this process's by default, so that clients reach the servers of this machine.

    What the user has set stays: hosts are added to his, and what cannot be used is left out and told.
    """
    _add_loopback(environment)
    for name in [*CERTIFICATES, FOLDER]:
        if environment.get(name) == "":  # as many unset a variable; OpenSSL would look for a file without a name
            del environment[name]
        elif name in environment and not _holds_certificates(environment[name], folder=name == FOLDER):
            _leave_out(environment, name, "where no certificates can be read")
    if find_spec("socksio") is None:
        for name in [each for upper in PROXIES for each in (upper, upper.lower())]:
            if environment.get(name, "").startswith("socks"):
                _leave_out(environment, name, "a kind of proxy that `pip install socksio` would make known")


def _add_loopback(environment: MutableMapping[str, str]) -> None:
    """Both spellings, for each library prefers another; a star is every host, and for some of them only alone."""
    listed = ",".join(environment.get(name, "") for name in ("no_proxy", "NO_PROXY"))
    hosts = [host.strip() for host in listed.split(",") if host.strip()]
    reached = "*" if "*" in hosts else ",".join(dict.fromkeys([*hosts, *LOOPBACK]))
    environment["NO_PROXY"] = environment["no_proxy"] = reached


def _holds_certificates(path: str, *, folder: bool) -> bool:
    if folder:  # several may be named
        return any(os.path.isdir(each) for each in path.split(os.pathsep))
    import ssl

    if os.path.isdir(path):  # as requests takes it
        return True
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except OSError:  # not there, not readable, or no certificate
        return False
    return True


def _leave_out(environment: MutableMapping[str, str], name: str, why: str) -> None:
    value = environment.pop(name)
    logging.getLogger("daecore").warning("%s names %s, %s; it is left out", name, value, why)
