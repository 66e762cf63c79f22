"""Links from the API reference to the source code on GitHub."""

import inspect
import subprocess
import sys
from functools import cache
from pathlib import Path

import sknn

REPOSITORY = "https://github.com/sknn/sknn"
ROOT = Path(sknn.__file__).parents[1]


@cache
def revision():
    """Return the commit that is checked out, or the tag of the version without Git."""
    command = ["git", "-C", ROOT, "rev-parse", "HEAD"]
    try:
        return subprocess.check_output(
            command, text=True, stderr=subprocess.DEVNULL
        ).strip()
    except (OSError, subprocess.CalledProcessError):
        return f"v{sknn.__version__}"


def linkcode_resolve(domain, info):
    """Return the address of the lines that define an object, or None."""
    found = sys.modules[info["module"]]
    try:
        for part in info["fullname"].split("."):
            found = getattr(found, part)
        found = inspect.unwrap(getattr(found, "fget", found))
        path = Path(inspect.getsourcefile(found)).relative_to(ROOT)
        lines, start = inspect.getsourcelines(found)
    except (AttributeError, TypeError, ValueError, OSError):
        return None  # an attribute, or inherited from another package
    last = start + len(lines) - 1
    return f"{REPOSITORY}/blob/{revision()}/{path.as_posix()}#L{start}-L{last}"
