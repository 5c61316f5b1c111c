"""Tests of routes, times, inhibition and the commands about them."""
