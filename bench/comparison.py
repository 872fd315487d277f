"""What the comparisons with other implementations share: processes, cores, and the report."""

import contextlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent


class Failure(Exception):
    """An implementation that crashed or came to a wrong result."""


class Missing(Exception):
    """A peer that cannot run here; says what to install."""


def say(text=""):
    """Progress, kept apart from the report."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def last_line(text):
    lines = text.strip().splitlines()
    return lines[-1] if lines else "no message"


CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_setaffinity") else []


@contextlib.contextmanager
def pinned(threads):
    """Children started inside share that many cores; only so does XLA keep to one thread."""
    if CORES:
        os.sched_setaffinity(0, CORES[-threads:])
    try:
        yield
    finally:
        if CORES:
            os.sched_setaffinity(0, CORES)


def core_count():
    return len(CORES) or os.cpu_count() or 1


def find_riffle(given, program):
    candidates = [given] if given else [ROOT / "build/release/riffle", ROOT / "build/riffle"]
    for path in candidates:
        if os.access(path, os.X_OK) and Path(path).is_file():
            return str(Path(path).resolve())
    if not given and (path := shutil.which("riffle")):
        return path
    tried = given or ", ".join([*map(os.path.relpath, candidates), "PATH"])
    print(f"{program}: no riffle (tried {tried}); build it, or --riffle", file=sys.stderr)
    sys.exit(2)


def run_process(command):
    """Wall seconds, resource usage and stderr of a command that must succeed."""
    with tempfile.TemporaryFile("w+") as errors:
        begin = time.perf_counter()
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors)
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - begin
        child.returncode = os.waitstatus_to_exitcode(status)
        errors.seek(0)
        text = errors.read()
    if child.returncode != 0:
        raise Failure(f"`{' '.join(command)}` exited with {child.returncode}: {last_line(text)}")
    return seconds, usage, text


class Peer:
    """A process that answers requests, one JSON object a line; its first line is about itself."""

    def __init__(self, name, python, script, threads=1, arguments=(), environment=None):
        self.name = name
        self.errors = tempfile.TemporaryFile("w+")
        try:
            with pinned(threads):
                self.process = subprocess.Popen(
                    [python, str(HERE / script), *map(str, arguments)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=self.errors,
                    text=True,
                    env={**os.environ, **(environment or {})},
                )
        except OSError as error:
            raise Failure(f"{name}: {python}: {error.strerror}") from None
        self.about = self.answer()

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            self.errors.seek(0)
            raise Failure(f"{self.name} failed: {last_line(self.errors.read())}")
        return json.loads(line)

    def measure(self, **request):
        with contextlib.suppress(BrokenPipeError):  # answer() says why
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
        return self.answer()

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def has_module(python, module):
    probe = f"import importlib.util as u, sys; sys.exit(u.find_spec('{module}') is None)"
    try:
        return subprocess.run([python, "-c", probe], capture_output=True).returncode == 0
    except OSError:
        return False


def environments():
    """Folder of the virtual environments that hold the peers."""
    cache = os.environ.get("XDG_CACHE_HOME")
    return Path(cache) / "riffle" if cache else ROOT / "build"


def install(folder, *packages):
    """The Python of a new virtual environment with these packages."""
    python = str(folder / "bin/python")
    print(f"installing {', '.join(packages)} into {os.path.relpath(folder)} (once)", file=sys.stderr)
    pip_options = ["--quiet", "--disable-pip-version-check", "--retries", "1"]
    run_process([sys.executable, "-m", "venv", "--clear", str(folder)])
    run_process([python, "-m", "pip", "install", *pip_options, *packages])
    return python


def figures(value):
    """Three significant figures, and no exponent."""
    if value >= 100:
        return f"{float(f'{value:.3g}'):,.0f}"
    return f"{value:.2f}" if value < 10 else f"{value:.1f}"


class Report:
    def __init__(self, markdown):
        self.markdown = markdown
        self.colour = not markdown and sys.stdout.isatty() and "NO_COLOR" not in os.environ

    def paint(self, text, code):
        return f"\033[{code}m{text}\033[0m" if self.colour else text

    def heading(self, text):
        print(f"\n### {text}\n" if self.markdown else "\n" + self.paint(text, "1"))

    def table(self, header, rows, left=(0,), verdict=None):
        """Columns in `left` are set to the left; the column `verdict` is coloured by its word."""
        if self.markdown:
            rule = [":---" if i in left else "---:" for i in range(len(header))]
            for row in [header, rule, *rows]:
                print("| " + " | ".join(row) + " |")
            return
        widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
        for number, row in enumerate([header, *rows]):
            cells = [
                cell.ljust(width) if i in left else cell.rjust(width)
                for i, (cell, width) in enumerate(zip(row, widths))
            ]
            if verdict is not None and number > 0:
                code = {"met": "32", "right": "32", "missed": "31", "WRONG": "31"}
                cells[verdict] = self.paint(cells[verdict], code.get(row[verdict], "33"))
            line = "  " + "  ".join(cells).rstrip()
            print(self.paint(line, "2") if number == 0 else line)

    def facts(self, pairs):
        if self.markdown:
            self.table(["", ""], [[name, value] for name, value in pairs], left=(0, 1))
            return
        width = max(len(name) for name, _ in pairs)
        for name, value in pairs:
            print(f"  {name.ljust(width)}   {value}")

    def note(self, text):
        print(f"\n{text}" if self.markdown else f"  {text}")


def machine():
    model = platform.processor() or platform.machine()
    with contextlib.suppress(OSError, StopIteration):
        with open("/proc/cpuinfo") as info:
            model = next(l.split(":", 1)[1].strip() for l in info if l.startswith("model name"))
    load = f", load {os.getloadavg()[0]:.1f} at the start" if hasattr(os, "getloadavg") else ""
    return f"{model}, {core_count()} cores{load}; {platform.system()} {platform.machine()}"
