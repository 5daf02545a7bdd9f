"""Drives the stock commands `openstack dis …` against a running Millpond and prints one line for each check.

The environment says where it is and who may come in: MILLPOND_ENDPOINT, MILLPOND_PROJECT_ID,
MILLPOND_REGION and MILLPOND_TOKEN, a static token of the server. A second round logs in with a password,
when MILLPOND_IDENTITY_ENDPOINT, MILLPOND_USER, MILLPOND_PASSWORD and MILLPOND_DOMAIN are all set. Exit code
0 when all was well, else 1.
"""

import json
import os
import pathlib
import sys
import tempfile
import urllib.request
import uuid

from cli import Cli, Report, equal
from commands import Commands

# One more than a page of the list has unless asked otherwise (spec/02).
STREAMS_ON_TWO_PAGES = 11


def pages(cli, report, target, token):
    """A list longer than a page. The streams are made without the client, whose start takes long."""
    prefix = f"compat-{uuid.uuid4().hex[:8]}-"
    names = [f"{prefix}{index:02}" for index in range(STREAMS_ON_TWO_PAGES)]
    with report.check("list streams, two pages", "token"):
        for name in names:
            create_stream(target, token, name)
        rows = [row["Name"] for row in cli.json("stream", "list")]
        equal("the names", [name for name in rows if name.startswith(prefix)], names)
        rows = cli.json("stream", "list", "--limit", 3, "--start-stream-name", names[4])
        equal("a page", [row["Name"] for row in rows], names[5:8])
    with report.check("delete stream, several", "token"):
        cli.quiet("stream", "delete", *names)
        equal("what is left", [row for row in cli.json("stream", "list") if row["Name"] in names], [])


def create_stream(target, token, name):
    body = json.dumps({"stream_name": name, "partition_count": 1}).encode()
    headers = {"Content-Type": "application/json", "X-Auth-Token": token}
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(urllib.request.Request(target + "/streams", body, headers), timeout=30) as answer:
        answer.read()


def template(cli, report):
    """The one command that calls nobody. In this version it stops before it writes its file."""
    with report.check("data file template", "fails in the client before any request"):
        cli.refused("has no attribute 'output_file'", "data", "file", "template", "--filename", "template.csv")


def by_token(target, token, region):
    """A cloud without an identity service: the token and the address of the service are given."""
    return {
        "auth_type": "admin_token",
        "auth": {"endpoint": target, "token": token},
        "region_name": region,
        "dis_endpoint_override": target,
    }


def by_password(address, user, password, domain, project, region):
    """A cloud to log in to; its catalogue says where the service is."""
    return {
        "auth_type": "password",
        "auth": {
            "auth_url": address,
            "username": user,
            "password": password,
            "user_domain_name": domain,
            "project_id": project,
        },
        "region_name": region,
        "identity_api_version": "3",
    }


def main():
    names = ("MILLPOND_ENDPOINT", "MILLPOND_PROJECT_ID", "MILLPOND_REGION", "MILLPOND_TOKEN")
    missing = [name for name in names if not os.environ.get(name)]
    if missing:
        print(f"set {', '.join(missing)}; compat/README.md says to what", file=sys.stderr)
        return 1
    endpoint, project, region, token = (os.environ[name] for name in names)
    target = f"{endpoint.rstrip('/')}/v2/{project}"
    names = ("MILLPOND_IDENTITY_ENDPOINT", "MILLPOND_USER", "MILLPOND_PASSWORD", "MILLPOND_DOMAIN")
    login = [os.environ.get(name) for name in names]
    report = Report()
    with tempfile.TemporaryDirectory(prefix="openstack-") as scratch:
        folder = pathlib.Path(scratch)
        cli = Cli(folder / "token", by_token(target, token, region))
        Commands(cli, report, "token").all()
        pages(cli, report, target, token)
        template(cli, report)
        with report.check("list streams, unknown token", "token"):
            wrong = Cli(folder / "wrong", by_token(target, token + "x", region))
            wrong.refused("Invalid Token header", "stream", "list")
        if all(login):
            cli = Cli(folder / "password", by_password(*login, project, region))
            Commands(cli, report, "password").all()
            with report.check("list streams, wrong password", "password"):
                login[2] += "x"
                wrong = Cli(folder / "wrong-password", by_password(*login, project, region))
                wrong.refused("401", "stream", "list")
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
