"""The command `openstack dis …` with one configuration, and the lines that report what it did."""

import contextlib
import importlib.metadata
import json
import os
import pathlib
import subprocess
import sys

# The package with the commands under test.
PACKAGE = "otcextensions"

# Longest that one command may run, in seconds; a start of the interpreter takes one or two.
COMMAND_LIMIT = 60


class Refused(Exception):
    """A command ended with another exit code than 0; the text is what it said."""


class Wrong(Exception):
    """An answer is not the expected one."""


def equal(what, got, expected):
    """Raises `Wrong` unless `got` is `expected`."""
    if got != expected:
        raise Wrong(f"{what} is {got!r}, expected {expected!r}")


def that(holds, text):
    """Raises `Wrong` with `text` unless the condition holds."""
    if not holds:
        raise Wrong(text)


class Report:
    """Prints one line for each check: ok or FAIL, client, call, form, and after FAIL the reason."""

    def __init__(self):
        self.client = f"{PACKAGE} {importlib.metadata.version(PACKAGE)}"
        self.failed = False

    @contextlib.contextmanager
    def check(self, call, form):
        """Reports what the block under `with` checks, and goes on after a failure."""
        try:
            yield
        except (Refused, Wrong) as failure:
            self._line("FAIL", call, form, str(failure))
        except Exception as failure:  # a member is missing, or has another type
            self._line("FAIL", call, form, f"{type(failure).__name__}: {failure}")
        else:
            self._line("ok", call, form)

    def _line(self, outcome, call, form, *reason):
        self.failed |= outcome == "FAIL"
        fields = [" ".join(field.split()) for field in (outcome, self.client, call, form, *reason)]
        print("\t".join(fields), flush=True)


class Cli:
    """`openstack dis …` with the settings of one cloud, in a folder of its own."""

    def __init__(self, folder, cloud):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True)
        config = self.folder / "clouds.yaml"
        config.write_text(json.dumps({"clouds": {"millpond": cloud}}), encoding="utf-8")
        # Nothing that the caller has set for another cloud may get in.
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("OS_")}
        self.environment |= {
            "OS_CLIENT_CONFIG_FILE": str(config),
            "OS_CLOUD": "millpond",
            "HOME": str(self.folder),
            "NO_PROXY": "*",
            "PYTHONWARNINGS": "ignore",
        }

    def run(self, *words):
        """Runs `openstack dis WORDS`; what it printed. Raises `Refused` when it failed."""
        program = pathlib.Path(sys.executable).with_name("openstack")
        command = [sys.executable, str(program), "dis", *(str(word) for word in words)]
        try:
            done = subprocess.run(
                command, cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL, capture_output=True,
                encoding="utf-8", errors="replace", timeout=COMMAND_LIMIT, check=False)
        except subprocess.TimeoutExpired as late:
            raise Refused(f"no end after {COMMAND_LIMIT} s: {' '.join(command[2:])}") from late
        if done.returncode != 0:
            raise Refused(done.stderr.strip() or f"exit code {done.returncode} without a message")
        return done.stdout

    def json(self, *words):
        """Runs the command with `-f json`; the object or list that it printed."""
        return json.loads(self.run(*words, "-f", "json"))

    def quiet(self, *words):
        """Runs a command that prints nothing."""
        equal("the output", self.run(*words).strip(), "")

    def refused(self, text, *words):
        """Runs a command that must fail with `text` in its message."""
        try:
            self.run(*words)
        except Refused as refusal:
            that(text in str(refusal), f"refused with {str(refusal)!r}, expected {text!r} in it")
        else:
            raise Wrong(f"accepted, expected a refusal with {text!r}")
