"""One module for each command of `promontory`."""
