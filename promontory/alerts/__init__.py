"""What is asked and told of alerts on the command line: routes, silences, state, and alerts of one's own."""
