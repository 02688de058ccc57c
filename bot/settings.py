"""The environment, parsed once. Knows names and rules of variables; starts nothing and connects to nothing."""

from __future__ import annotations

import os
import re
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from ipaddress import ip_address, ip_network
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from bot.redis_url import nodes_of

ROOT = Path(__file__).resolve().parent.parent
"""The checkout: where `shops/`, `config.yml` and `.venv-rasa` are."""

DEFAULT_PORT = 8000
MIN_SECRET_BYTES = 32
MOST_WORKERS = 64

_OURS = frozenset({"RELAIS_SHOPS", "RELAIS_DATA", "RELAIS_SECRET", "RELAIS_WEBHOOK_NETWORKS", "RELAIS_WORKERS"})
SIMULATOR_FLAG = "RELAIS_SIMULATOR"
"""Set by the supervisor for its children only; a person says `--simulator`."""

_DATABASE_DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}


class SettingsError(Exception):
    """The environment cannot be used. `problems` names all that is wrong, one line each, without any value of a secret."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("settings:\n" + "\n".join(f"  - {problem}" for problem in problems))


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment says, checked. Addresses that carry a password and the secret stay out of `repr`."""

    port: int
    port_was_set: bool
    """False: `PORT` was not given and the next free one may be taken."""
    public_url: str
    """Without a final slash. What providers sign and shoppers open."""
    public_url_was_set: bool
    redis_url: str | None = field(repr=False)
    """None: the supervisor runs its own."""
    database_url: str = field(repr=False)
    """For SQLAlchemy, with an asyncio driver."""
    shops_dir: Path
    data_dir: Path
    secret: bytes = field(repr=False)
    twilio_api_url: str | None
    """Replaces api.twilio.com and content.twilio.com; None for the real ones."""
    telegram_api_url: str | None
    sim_api_url: str | None
    """Replaces api.telegram.org; None for the real one."""
    wave_api_url: str | None
    """Replaces api.wave.com; None for the real one."""
    rasa_url: str | None
    """None: the supervisor trains and runs its own."""
    twilio_status_url: str | None
    """Twilio's status page as JSON; None: not asked."""
    meta_status_url: str | None
    simulator: bool
    gateway_url_given: str | None = None
    """``GATEWAY_URL``: where the worker finds the gateway when it is not on this machine."""
    metrics_addresses: tuple[str, ...] = ()
    """``host:port`` where each worker of this machine shows its metrics, in the order of `worker_names`. A worker that
    is started alone has one, or shows none."""
    workers: int = 1
    """Worker processes that the supervisor runs."""
    webhook_networks: tuple[str, ...] = ()
    """Private networks to which webhooks may be sent all the same (``10.1.0.0/16``)."""

    @property
    def gateway_url(self) -> str:
        """The gateway as our own processes reach it, without what stands in front of it."""
        return self.gateway_url_given or _own_url(self.port)

    def on_port(self, port: int) -> Settings:
        """Return the settings with the port that was found free; a `PUBLIC_URL` that was not set follows it."""
        public_url = self.public_url if self.public_url_was_set else _own_url(port)
        return replace(self, port=port, public_url=public_url)

    def environment(self) -> dict[str, str]:
        """Return the variables from which `of_child` reads the same settings again."""
        values = {
            "PORT": str(self.port),
            "PUBLIC_URL": self.public_url,
            "REDIS_URL": self.redis_url,
            "DATABASE_URL": self.database_url,
            "RELAIS_SHOPS": str(self.shops_dir),
            "RELAIS_DATA": str(self.data_dir),
            "RELAIS_SECRET": self.secret.decode(),
            "TWILIO_API_URL": self.twilio_api_url,
            "TELEGRAM_API_URL": self.telegram_api_url,
            "SMS_GATE_API_URL": self.sim_api_url,
            "WAVE_API_URL": self.wave_api_url,
            "RASA_URL": self.rasa_url,
            "TWILIO_STATUS_URL": self.twilio_status_url,
            "META_STATUS_URL": self.meta_status_url,
            "METRICS_ADDRESS": ",".join(self.metrics_addresses) or None,
            "RELAIS_WORKERS": str(self.workers),
            "GATEWAY_URL": self.gateway_url_given,
            "RELAIS_WEBHOOK_NETWORKS": ",".join(self.webhook_networks) or None,
            SIMULATOR_FLAG: "1" if self.simulator else "0",
        }
        return {name: value for name, value in values.items() if value is not None}


def load(environ: Mapping[str, str], *, simulator: bool) -> Settings:
    """Read the settings a person gave. An empty variable counts as not set.

    With the simulator a missing `RELAIS_SECRET` is made once and kept in `RELAIS_DATA/secret`.
    Raises SettingsError with every problem found.
    """
    return _Reader(environ).read(simulator=simulator, known=_OURS)


def of_child(environ: Mapping[str, str]) -> Settings:
    """Read the settings the supervisor resolved for a process it started. Raises SettingsError."""
    simulator = environ.get(SIMULATOR_FLAG) == "1"
    return _Reader(environ).read(simulator=simulator, known=_OURS | {SIMULATOR_FLAG})


class _Reader:
    """Collects problems while it reads, so that all are reported together."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._problems: list[str] = []

    def read(self, *, simulator: bool, known: frozenset[str]) -> Settings:
        self._problems += [f"{name}: unknown, known are {', '.join(sorted(_OURS))}" for name in self._unknown(known)]
        port = self._port()
        public_url = self._public_url(port, simulator=simulator)
        data_dir = self._folder("RELAIS_DATA", ROOT / "var", must_exist=False)
        shops_dir = self._folder("RELAIS_SHOPS", ROOT / "shops", must_exist=True)
        redis_url = self._redis_url()
        database_url = self._database_url(data_dir)
        twilio_api_url = self._url("TWILIO_API_URL", ("http", "https"))
        telegram_api_url = self._url("TELEGRAM_API_URL", ("http", "https"))
        sim_api_url = self._url("SMS_GATE_API_URL", ("http", "https"))
        wave_api_url = self._url("WAVE_API_URL", ("http", "https"))
        rasa_url = self._url("RASA_URL", ("http", "https"))
        twilio_status_url = self._url("TWILIO_STATUS_URL", ("http", "https"))
        meta_status_url = self._url("META_STATUS_URL", ("http", "https"))
        metrics_addresses = self._addresses("METRICS_ADDRESS")
        workers = self._workers()
        gateway_url = self._url("GATEWAY_URL", ("http", "https"))
        secret = self._secret(simulator=simulator)
        webhook_networks = self._networks("RELAIS_WEBHOOK_NETWORKS")
        if self._problems:
            raise SettingsError(self._problems)
        return Settings(
            port=port,
            port_was_set=self._get("PORT") is not None,
            public_url=public_url,
            public_url_was_set=self._get("PUBLIC_URL") is not None,
            redis_url=redis_url,
            database_url=database_url,
            shops_dir=shops_dir,
            data_dir=data_dir,
            secret=secret if secret is not None else kept_secret(data_dir),
            twilio_api_url=twilio_api_url,
            telegram_api_url=telegram_api_url,
            sim_api_url=sim_api_url,
            wave_api_url=wave_api_url,
            rasa_url=rasa_url,
            twilio_status_url=twilio_status_url,
            meta_status_url=meta_status_url,
            simulator=simulator,
            metrics_addresses=metrics_addresses,
            workers=workers,
            gateway_url_given=gateway_url,
            webhook_networks=webhook_networks,
        )

    def _addresses(self, name: str) -> tuple[str, ...]:
        words = tuple(word.strip() for word in (self._get(name) or "").split(",") if word.strip())
        if not all(re.fullmatch(r"[\w.-]+:[0-9]{1,5}", word) for word in words):
            self._problems.append(f"{name}: not host:port, such as 127.0.0.1:9100")
            return ()
        return words

    def _workers(self) -> int:
        raw = self._get("RELAIS_WORKERS")
        if raw is None:
            # One fills a core with some fifty turns a second. The others of the machine need the rest.
            return min(2, len(os.sched_getaffinity(0)))
        if re.fullmatch(r"[0-9]{1,2}", raw) and 1 <= int(raw) <= MOST_WORKERS:
            return int(raw)
        self._problems.append(f"RELAIS_WORKERS: not a whole number from 1 to {MOST_WORKERS}")
        return 1

    def _networks(self, name: str) -> tuple[str, ...]:
        words = tuple(word.strip() for word in (self._get(name) or "").split(",") if word.strip())
        for word in words:
            try:
                ip_network(word)
            except ValueError:
                self._problems.append(f"{name}: not networks such as 10.1.0.0/16,192.168.7.0/24")
                break
        return words

    def _get(self, name: str) -> str | None:
        return self._environ.get(name, "").strip() or None

    def _unknown(self, known: frozenset[str]) -> Iterator[str]:
        return (name for name in sorted(self._environ) if name.startswith("RELAIS_") and name not in known)

    def _port(self) -> int:
        raw = self._get("PORT")
        if raw is None:
            return DEFAULT_PORT
        if re.fullmatch(r"[0-9]{1,5}", raw) and 1 <= int(raw) <= 65535:
            return int(raw)
        self._problems.append("PORT: not a whole number from 1 to 65535")
        return DEFAULT_PORT

    def _public_url(self, port: int, *, simulator: bool) -> str:
        url = self._url("PUBLIC_URL", ("http", "https"))
        if url is None:
            return _own_url(port)
        parts = urlsplit(url)
        if parts.query or parts.fragment or parts.username is not None:
            self._problems.append("PUBLIC_URL: must have no query, fragment or user name")
        if not simulator and parts.scheme != "https" and not _is_loopback(parts.hostname):
            self._problems.append("PUBLIC_URL: must be https (plain http only for loopback hosts)")
        return url

    def _url(self, name: str, schemes: tuple[str, ...]) -> str | None:
        raw = self._get(name)
        if raw is None:
            return None
        parts = _split(raw)
        if parts is None or parts.scheme not in schemes or not (parts.hostname or parts.scheme == "unix"):
            self._problems.append(f"{name}: not an address that starts with {' or '.join(s + '://' for s in schemes)}")
            return None
        return raw.rstrip("/")

    def _redis_url(self) -> str | None:
        raw = self._get("REDIS_URL")
        try:
            if raw is not None and nodes_of(raw) is not None:
                return raw.rstrip("/")
        except ValueError as error:
            self._problems.append(str(error))
            return None
        return self._url("REDIS_URL", ("redis", "rediss", "unix"))

    def _database_url(self, data_dir: Path) -> str:
        raw = self._get("DATABASE_URL")
        if raw is None:
            return f"sqlite+aiosqlite:///{data_dir / 'relais.db'}"
        scheme, separator, rest = raw.partition("://")
        if not separator or scheme not in _DATABASE_DRIVERS:
            self._problems.append("DATABASE_URL: must start with sqlite:// or postgresql://")
            return ""
        return f"{_DATABASE_DRIVERS[scheme]}://{rest}"

    def _folder(self, name: str, default: Path, *, must_exist: bool) -> Path:
        raw = self._get(name)
        path = default if raw is None else Path(raw).expanduser().absolute()
        if raw is not None and must_exist and not path.is_dir():
            self._problems.append(f"{name}: no folder {path}")
        if path.exists() and not path.is_dir():
            self._problems.append(f"{name}: {path} is not a folder")
        return path

    def _secret(self, *, simulator: bool) -> bytes | None:
        raw = self._get("RELAIS_SECRET")
        if raw is None:
            if not simulator:
                self._problems.append(f"RELAIS_SECRET: missing; at least {MIN_SECRET_BYTES} bytes, kept for ever")
            return None
        if len(raw.encode()) < MIN_SECRET_BYTES:
            self._problems.append(f"RELAIS_SECRET: under {MIN_SECRET_BYTES} bytes")
        return raw.encode()


def worker_names(workers: int) -> list[str]:
    """What the supervisor calls them: in its log folder, in ``pids.json`` and as ``process`` in the metrics."""
    return ["worker" if number == 1 else f"worker-{number}" for number in range(1, workers + 1)]


def kept_secret(data_dir: Path) -> bytes:
    """Return the secret in `data_dir/secret`, made on first use; two processes that race get the same one."""
    path = data_dir / "secret"
    if not path.exists():
        data_dir.mkdir(parents=True, exist_ok=True)
        # Written whole under another name (mode 0600), then linked: nobody ever reads half a secret.
        descriptor, scratch = tempfile.mkstemp(dir=data_dir, prefix=".secret")
        try:
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_hex(32))
            os.link(scratch, path)
        except FileExistsError:
            return path.read_bytes()
        finally:
            Path(scratch).unlink()
    return path.read_bytes()


def _own_url(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises for a port that is none
    except ValueError:
        return None
    return parts


def _is_loopback(host: str | None) -> bool:
    if host is None:
        return False
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
