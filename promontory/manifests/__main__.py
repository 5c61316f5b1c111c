"""Checks manifests before they are applied; see the package for what it is fed with.

Exit codes: 0 nothing found, 1 findings, 2 the input cannot be read.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from promontory.errors import UsageError
from promontory.manifests import Manifests, Questions, findings, traffic_findings
from promontory.manifests.traffic import EVERYWHERE


def main(arguments: Sequence[str] | None = None) -> int:
    """Check what kustomize built; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m promontory.manifests", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("file", help='YAML that `kubectl kustomize` wrote; "-" reads standard input')
    parser.add_argument("--traffic", type=Path, help="questions about who may reach whom, such as sample_app/k8s/traffic.yml")
    parser.add_argument("--overlay", default=EVERYWHERE, help="whose peers of that file are meant, such as eks")
    options = parser.parse_args(arguments)
    try:
        text = sys.stdin.read() if options.file == "-" else Path(options.file).read_text(encoding="utf-8")
        manifests = Manifests.from_yaml(text)
        found = list(findings(manifests))
        if options.traffic:
            questions = Questions.from_yaml(options.traffic.read_text(encoding="utf-8"), options.overlay)
            found += traffic_findings(manifests, questions)
    except (OSError, UsageError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.writelines(f"{one}\n" for one in found)
    sys.stderr.write(f"{len(manifests.objects)} objects, {len(found)} findings\n")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
