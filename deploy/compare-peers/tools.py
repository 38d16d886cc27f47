"""What both comparisons do: run a command, compile a small program."""

import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def output(command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"error: {' '.join(command)} failed:\n{done.stderr[-2000:]}")
    return done.stdout


def compiled(work, name, compiler, libraries):
    """The program's path, or None with a word about what is missing."""
    if not shutil.which(compiler[0]):
        return None
    path = os.path.join(work, name)
    source = os.path.join(HERE, name + ".c")
    done = subprocess.run(compiler + ["-O3", "-o", path, source] + libraries, capture_output=True, text=True)
    return path if done.returncode == 0 else None
