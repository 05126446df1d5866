"""The command that serves the review page."""

from pathlib import Path
from typing import Any

import click

from prelabel.cli.session import EXISTING, opened


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True)
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option("--tls-cert", type=EXISTING, help="A PEM certificate, for serving over TLS.")
@click.option("--tls-key", type=EXISTING, help="The certificate's private key, PEM.")
@click.option(
    "--behind-proxy",
    metavar="URL",
    help="What people type where a proxy with TLS stands in front.",
)
@click.option("--open", "open_browser", is_flag=True, help="Open the page in a browser.")
@click.pass_obj
def review(
    obj: dict[str, Any],
    port: int,
    host: str,
    tls_cert: Path | None,
    tls_key: Path | None,
    behind_proxy: str | None,
    open_browser: bool,
) -> None:
    """Serve the page on which people correct the newest batch.

    Alone on your machine no login is asked. For others, name people first (`prelabel people add`),
    and listen where they can reach you.

    \b
    Example:
      prelabel review --open
      prelabel review --host 0.0.0.0 --tls-cert labels.crt --tls-key labels.key
      prelabel review --behind-proxy https://labels.example.org
    """
    from prelabel.review.address import Address, tls_files
    from prelabel.review.running import run_review

    address = Address(host, port, tls_files(tls_cert, tls_key), behind_proxy)
    with opened(obj) as project:
        run_review(project, address, click.echo, open_browser)
