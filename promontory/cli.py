"""The `promontory` command."""

from __future__ import annotations

import click

from promontory import __version__
from promontory.commands.alerts import alerts
from promontory.commands.dashboards import dashboards
from promontory.commands.drill import drill
from promontory.commands.lab import lab
from promontory.commands.mail import mail
from promontory.commands.plan import plan
from promontory.commands.remove import remove
from promontory.commands.status import status
from promontory.commands.up import up
from promontory.commands.verify import verify

_EPILOG = """\
\b
Exit codes:
  0    done, and as declared
  1    a run failed on at least one host
  2    wrong input or usage; nothing was changed
  3    provisioned, but verification found something not as declared
  4    the fault drill failed
  130  interrupted; the next run repairs what is half done
"""


@click.group(epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__)
def main() -> None:
    """Install, wire, secure and prove a Prometheus and Alertmanager stack.

    Results go to standard output, progress and errors to standard error; with --json, standard output is one JSON
    document. NO_COLOR is respected.
    """


for _command in (up, plan, verify, status, remove, lab, mail, alerts, dashboards, drill):
    main.add_command(_command)
