"""The real `prefect` command, in a home of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

CURRENT = Path(sys.executable).parent / "prefect"
OLDER = Path(sys.prefix) / "prefect2/bin/prefect"
NEWER = Path(sys.prefix) / "prefect39/bin/prefect"
LOGIN_LIBRARIES = Path(sys.prefix) / "login"

# For a test whose clients are of both versions of the present line.
both_clients = pytest.mark.parametrize("client", [CURRENT, NEWER], ids=["3.8", "3.9"], indirect=True)


class Client:
    def __init__(self, base: str, home: Path, program: Path = CURRENT, for_login: bool = False):
        self.program, self.home = program, home
        self.python = program.parent / "python"
        home.mkdir(parents=True, exist_ok=True)
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "TERM": "dumb",
            "NO_COLOR": "1",
            "COLUMNS": "200",
            "DO_NOT_TRACK": "1",
            "PREFECT_HOME": str(home / "prefect"),
            "PREFECT_CLOUD_API_URL": f"{base}/api",
            "PREFECT_CLOUD_UI_URL": base,
            "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false",
            "PYTHONPATH": str(LOGIN_LIBRARIES) if program is CURRENT and for_login else "",
        }

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.program, *arguments],
            env=self.environment,
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
        )

    def ok(self, *arguments: str) -> str:
        done = self.run(*arguments)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def refused(self, *arguments: str) -> str:
        done = self.run(*arguments)
        assert done.returncode != 0, done.stdout
        return done.stdout

    def log_in(self, key: str, workspace: str) -> str:
        return self.ok("cloud", "login", "--key", key, "--workspace", workspace)

    def takes_profile(self, other: Client) -> None:
        """As if it had logged in like another one."""
        folder = self.home / "prefect"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (folder / "profiles.toml").write_bytes((other.home / "prefect/profiles.toml").read_bytes())

    def place(self) -> str:
        """The path of its workspace, below `/api`."""
        return self.profile()["PREFECT_API_URL"].split("/api", 1)[1]

    def profile(self) -> dict[str, str]:
        """The settings of the active profile, as the client wrote them."""
        profiles = tomllib.loads((self.home / "prefect/profiles.toml").read_text())
        return profiles["profiles"][profiles["active"]]
