"""`python -m promontory` is the `promontory` command."""

from promontory.cli import main

if __name__ == "__main__":
    main()
