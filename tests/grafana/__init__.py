"""The role grafana: its files, its API client, and both against a real server where there is one."""
