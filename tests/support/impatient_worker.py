"""A worker as it is, but for its patience: a state that nobody takes is kept at once, and not
after the seven minutes that an outage may last. Run as a file.
"""

from gantry_worker.__main__ import main
from gantry_worker.steps import rescue
from gantry_worker.tools import overrides

if __name__ == "__main__":
    overrides.RETRIES = 0
    rescue.WAITS = (0.0, 0.0)
    main()
