"""The certificate of the public door: whether it can be used, before anything is started."""

import ssl
from pathlib import Path

from daecore.errors import InputError, in_a_line


def require_certificate(certificate: Path, key: Path) -> None:
    """See that both files are there and belong together.

    Raises:
        InputError: They cannot be used.
    """

    def no_password() -> bytes:
        raise ValueError("the key has a password; write one without")

    for file in (certificate, key):
        if not file.is_file():
            raise InputError(f"There is no file {file}, which --certificate or --key names.")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, no_password)
    except (OSError, ValueError) as error:
        said = "they do not belong together, or are no PEM files" if isinstance(error, ssl.SSLError) else str(error)
        raise InputError(
            f"--certificate {certificate} and --key {key} cannot be used: {in_a_line(said)}. Both are PEM files, as an "
            "authority writes them. The documentation, Beyond one machine, has a command that makes one of your own."
        ) from None
