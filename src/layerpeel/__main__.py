"""The script `layerpeel`, also `python -m layerpeel`: what must stand before anything that takes long to import."""

import logging
import os
import sys

# Rooms run in parallel processes, so one BLAS thread each: two on a busy core make an SVD many times slower,
# and the order of their sums changes last digits. It must be said before numpy is first imported;
# the processes inherit it.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# Looking for plugins of pydantic reads the metadata of everything that is installed, and no plugin has anything to do here.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")

# Where the home directory cannot be written, matplotlib works in a temporary one and warns twice. It must be told before it is imported.
logging.getLogger("matplotlib").setLevel(logging.ERROR)

from layerpeel.pages.stopping import catch_termination, say_interrupted  # noqa: E402


def main() -> int:
    """Run the command line and return its exit status; an interrupt is answered at any time, from the first import on."""
    catch_termination()
    try:
        from layerpeel.cli import main as run

        return run()
    except KeyboardInterrupt:
        return say_interrupted()


if __name__ == "__main__":
    sys.exit(main())
