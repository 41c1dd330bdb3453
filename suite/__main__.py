"""The script `layerpeel`, also `python -m suite`: what must stand before anything that takes long to import."""

import sys

from suite._stopping import catch_termination, say_interrupted


def main() -> int:
    """Run the command line and return its exit status; an interrupt is answered at any time, from the first import on."""
    catch_termination()
    try:
        from suite.cli import main as run

        return run()
    except KeyboardInterrupt:
        return say_interrupted()


if __name__ == "__main__":
    sys.exit(main())
