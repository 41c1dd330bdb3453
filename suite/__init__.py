"""What people run: the command line and the theorem-check report."""

import logging
import os

# Rooms run in parallel processes, so one BLAS thread each: two on a busy core make an SVD many times slower,
# and the order of their sums changes last digits. It must be said before numpy is first imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# Where the home directory cannot be written, matplotlib works in a temporary one and warns twice. It must be told before it is imported.
logging.getLogger("matplotlib").setLevel(logging.ERROR)
