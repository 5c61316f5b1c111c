"""What every test part gets."""

pytest_plugins = ["tests.support.fixtures"]
