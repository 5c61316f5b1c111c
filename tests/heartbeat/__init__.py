"""Tests of the heartbeat: silence is noticed, told once, and its end too."""
