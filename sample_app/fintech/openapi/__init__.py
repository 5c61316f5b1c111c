"""The OpenAPI 3.1 document of everything that programs ask this service, under /openapi.json.

Paths and methods come from the application's own routes, limits and patterns from the constants that the code checks
with; what only a person can say stands in `operations` (one line per route) and `schemas`.
"""

from __future__ import annotations

from flask import Blueprint, current_app, request
from flask.typing import ResponseReturnValue

from fintech.openapi.document import document

blueprint = Blueprint("openapi", __name__)


@blueprint.get("/openapi.json")
def show_document() -> ResponseReturnValue:
    """Describe the API to programs."""
    return document(current_app, server=request.script_root or "/")
