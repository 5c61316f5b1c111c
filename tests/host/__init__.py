"""The component on a real host with a real systemd, reached over SSH."""
