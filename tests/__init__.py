"""Tests of Promontory."""
