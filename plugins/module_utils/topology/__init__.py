"""The topology model: groups of the inventory in, everything that must agree out. Pure; see build_model and view."""

from __future__ import annotations

from .gather import REGISTRY_VARIABLES, gather
from .model import build_model, dump, load
from .view import view

__all__ = ["REGISTRY_VARIABLES", "build_model", "dump", "gather", "load", "view"]
