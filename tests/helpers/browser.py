"""The browser in which tests read the site. Run as a program, it prints its path, or fails where there is none."""

import shutil
import sys

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

if __name__ == "__main__":
    sys.exit("no Chromium on PATH") if CHROMIUM is None else print(CHROMIUM)
