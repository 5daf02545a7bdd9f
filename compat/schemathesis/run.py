"""Sends generated requests to every operation of the OpenAPI document, and compares the answers with it.

    MILLPOND_ENDPOINT    where the server is, as a URL without a path
    MILLPOND_PROJECT_ID  the project of the token
    MILLPOND_TOKEN       what goes into X-Auth-Token
    MILLPOND_USER        who can log in, with MILLPOND_PASSWORD [default: nobody]
    MILLPOND_SEED        repeats a run [default: 1]
    MILLPOND_EXAMPLES    generated requests for each operation [default: 20]

Prints a line for each operation, `ok` or `FAIL`, `schemathesis`, method and path, and `-` or the reason, with tabs
between them. What schemathesis itself has to say goes to stderr. Ends with 0 when all are ok, and with 1 otherwise.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "documented_code",
]

# Of the whole run. It takes a fraction of that, and what takes longer has failed.
SECONDS_MAX = 180


def main():
    endpoint = os.environ["MILLPOND_ENDPOINT"].rstrip("/")
    seed = os.environ.get("MILLPOND_SEED", "1")
    examples = os.environ.get("MILLPOND_EXAMPLES", "20")
    print(f"seed {seed}, {examples} requests for each operation", file=sys.stderr)
    with tempfile.TemporaryDirectory() as folder:
        report = pathlib.Path(folder, "report.json")
        said = run(endpoint, seed, examples, report, folder)
        sys.stderr.write(said)
        if not report.exists():
            result("run", "schemathesis ended without a report")
            return 1
        return 1 if tell(json.loads(report.read_text("utf-8")), operations(endpoint)) else 0


def run(endpoint, seed, examples, report, folder):
    """Runs schemathesis; returns what it printed."""
    script = pathlib.Path(sys.executable).with_name("st")
    hooks = pathlib.Path(__file__).resolve().parent
    command = [
        str(script), "--no-color", "run", f"{endpoint}/openapi.json",
        "--checks", ",".join(CHECKS),
        "--phases", "examples,coverage,fuzzing",
        "--max-examples", examples,
        "--seed", seed,
        "--continue-on-failure",
        "--generation-with-security-parameters", "false",
        "--generation-database", "none",
        "--request-timeout", "30",
        "--warnings", "off",
        "--report", "json",
        "--report-json-path", str(report),
    ]
    environment = dict(os.environ, SCHEMATHESIS_HOOKS="hooks", PYTHONPATH=str(hooks), PYTHONDONTWRITEBYTECODE="1")
    try:
        ran = subprocess.run(
            command, cwd=folder, env=environment, timeout=SECONDS_MAX,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )
        return ran.stdout
    except subprocess.TimeoutExpired as late:
        return f"{late.stdout or ''}\nschemathesis did not end within {SECONDS_MAX} s\n"


def operations(endpoint):
    """Every operation of the document, by method and path."""
    import requests

    document = requests.get(f"{endpoint}/openapi.json", timeout=30).json()
    found = {}
    for path, item in document["paths"].items():
        for method in ("get", "post", "put", "delete"):
            if method in item:
                found[f"{method.upper()} {path}"] = item[method]
    return found


def tell(report, known):
    """Prints the results; returns how many failed."""
    reasons = {name: [] for name in known}
    for failure in report["failures"]:
        for name in failure["operations"]:
            reasons.setdefault(name, []).append(f"{failure['title']} ({failure['count']})")
    for error in report["errors"]:
        name = error.get("operation") or "run"
        reasons.setdefault(name, []).append(error.get("title") or error.get("message") or "error")
    for name, operation in known.items():
        phases = report["valid_rates"].get(name, {}).values()
        sent = sum(sum(phase.values()) for phase in phases)
        accepted = sum(phase["accepted"] for phase in phases)
        if report["complete"] and not sent and operation.get("parameters"):
            reasons[name].append("nothing was sent")
        if sent and not accepted and not is_closed(operation):
            reasons[name].append(f"all of {sent} valid requests were refused")
    for name, found in reasons.items():
        result(name, "; ".join(found))
    cases = report["test_cases"]["generated"]
    print(f"{cases} requests in {report['running_time']:.0f} s", file=sys.stderr)
    return sum(1 for found in reasons.values() if found)


def is_closed(operation):
    """Whether the operation does not exist on this server, because nobody can log in."""
    return operation["tags"] == ["Identity"] and "MILLPOND_USER" not in os.environ


def result(name, reason):
    word, reason = ("FAIL", " ".join(reason.split())) if reason else ("ok", "-")
    print(word, "schemathesis", name, reason, sep="\t")


if __name__ == "__main__":
    sys.exit(main())
