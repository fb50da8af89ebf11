"""A PostgreSQL server of the tests' own, and a fresh database for each test that asks for `postgres_url`.

One server per test process, in a temporary folder, reached by a Unix socket there: no port to collide on, nothing
configured by hand. PostgreSQL refuses to run as root, so under root it runs as an unprivileged account. Where it is not
installed, the tests that need it are skipped and say so; in CI (the variable `CI` is set) that is a failure.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import psycopg
import pytest

SUPERUSER = "headway"
ACCOUNTS = ("postgres", "nobody")  # who runs the server when the tests run as root
# A test's server never outlives its test run: what a power loss would cost it is of no interest.
SETTINGS = {"listen_addresses": "", "fsync": "off", "max_connections": "100", "shared_buffers": "32MB"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A running server; `socket_dir` is where its Unix socket lies."""

    socket_dir: Path

    def url(self, database: str) -> str:
        """An SQLAlchemy URL of `database`, for the async and the plain engine alike."""
        return f"postgresql+psycopg://{SUPERUSER}@/{database}?host={self.socket_dir}"

    def execute(self, statement: str) -> None:
        """Run one statement that belongs to no database, e.g. CREATE DATABASE."""
        conninfo = psycopg.conninfo.make_conninfo(host=str(self.socket_dir), user=SUPERUSER, dbname="postgres")
        with psycopg.connect(conninfo, autocommit=True) as connection:
            connection.execute(statement.encode())


def find_programs(path: str | None = None, packages: Path = Path("/usr/lib/postgresql")) -> Path | None:
    """The folder with initdb and pg_ctl, from `path` (default: PATH) or Debian's packages, the newest; else None."""
    on_path = shutil.which("initdb", path=path)
    found = [Path(on_path).resolve()] if on_path else []
    found += sorted(packages.glob("*/bin/initdb"), key=lambda program: int(program.parts[-3]), reverse=True)
    return next((program.parent for program in found if (program.parent / "pg_ctl").exists()), None)


def give_up(environ: Mapping[str, str]) -> NoReturn:
    """End a test that needs PostgreSQL where there is none: skipped for a person, failed in CI."""
    missing = "PostgreSQL is not installed: no initdb on PATH or in /usr/lib/postgresql/*/bin"
    if environ.get("CI"):
        pytest.fail(missing, pytrace=False)
    pytest.skip(missing)


def unprivileged() -> pwd.struct_passwd | None:
    """The account that the server is started as, when the tests run as root; None: as ourselves."""
    if os.geteuid() != 0:
        return None
    known = {account.pw_name: account for account in pwd.getpwall()}
    return next(known[name] for name in ACCOUNTS if name in known)


def start(programs: Path, folder: Path, settings: Mapping[str, str] = SETTINGS) -> Server:
    """Create and start a server in `folder`; raises CalledProcessError with what PostgreSQL said."""
    account = unprivileged()
    if account:
        os.chown(folder, account.pw_uid, account.pw_gid)
    options = " ".join(
        f"-c {name}='{value}'" for name, value in {**settings, "unix_socket_directories": folder}.items()
    )
    run(
        programs / "initdb",
        "-D",
        folder / "data",
        "-U",
        SUPERUSER,
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--no-locale",
        "--no-sync",
    )
    run(programs / "pg_ctl", "-D", folder / "data", "-l", folder / "log", "-o", options, "-w", "start")
    return Server(socket_dir=folder)


def stop(programs: Path, folder: Path) -> None:
    """Stop the server at once and remove its folder."""
    run(programs / "pg_ctl", "-D", folder / "data", "-m", "immediate", "-w", "stop")
    shutil.rmtree(folder)


def run(*command: str | Path) -> None:
    """Run a program of PostgreSQL as the right account, in a folder that this account may enter."""
    account = unprivileged()
    as_account: dict[str, Any] = (
        {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} if account else {}
    )
    subprocess.run(
        command, check=True, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=50, **as_account
    )


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """The server of this test process, started when the first test asks for it."""
    programs = find_programs()
    if programs is None:
        give_up(os.environ)
    # Not below pytest's own temporary folder: only its owner may enter that, and a socket's path must be short.
    folder = Path(tempfile.mkdtemp(prefix="headway-pg-"))
    server = start(programs, folder)
    yield server
    stop(programs, folder)


@pytest.fixture
def postgres_url(postgres_server: Server) -> Iterator[str]:
    """The URL of a fresh, empty database, dropped after the test whoever is still connected."""
    database = f"test_{uuid.uuid4().hex}"
    postgres_server.execute(f"CREATE DATABASE {database}")
    yield postgres_server.url(database)
    postgres_server.execute(f"DROP DATABASE {database} WITH (FORCE)")
