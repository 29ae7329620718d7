"""Settings: each by flag, by environment (`MOORING_…`) or in `mooring.toml`, in this order of precedence.

docs/operations.md carries a table made from this list; a test fails when it is stale.
"""

import os
from ipaddress import ip_network
from pathlib import Path
from tomllib import TOMLDecodeError
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

import structlog
from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)
from pydantic_settings import SettingsError as SourceError

from mooring.queues.rabbitmq.address import Address, AddressError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

__all__ = ["Settings", "SettingsError", "load_settings", "warn_of_unknown_variables"]

_DEFAULT_FILE = Path("mooring.toml")
_OTHER_VARIABLES = {
    "MOORING_GATEWAY_SECRET",
    "MOORING_MANAGE_TOKEN",
    "MOORING_MANAGE_URL",
    "MOORING_PRODUCT_SECRET",
}
"""Read by other commands."""

_log = structlog.get_logger()


class SettingsError(Exception):
    """A setting is wrong; the text names it and says what is allowed. `mooring up` ends with exit code 16."""

    exit_code = 16


class Settings(BaseSettings):
    """Everything that can be set. Durations carry their unit in the name."""

    model_config = SettingsConfigDict(env_prefix="MOORING_", extra="forbid", frozen=True)

    data: Path = Field(Path("mooring-data"), description="Data directory: SQLite database, secret key, demo.json.")
    store: str = Field(
        "sqlite",
        repr=False,  # a URL may carry a password
        description="`sqlite` (in the data directory) or a postgresql://user@host:port/database URL.",
    )
    store_connections: int = Field(10, ge=2, le=1000, description="Connections kept to PostgreSQL at most.")
    secret_key: SecretStr | None = Field(
        None, description="32 bytes in base64 that seal secrets; else `secret.key` in the data directory is used."
    )
    host: str = Field("127.0.0.1", description="Address to listen on; `0.0.0.0` or `::` for every interface.")
    http_port: int = Field(8080, ge=0, le=65535, description="HTTP port; 0 picks a free one.")
    mqtt_port: int = Field(1883, ge=0, le=65535, description="MQTT port of devices; 0 picks a free one.")
    mqtts_port: int | None = Field(
        None, ge=0, le=65535, description="MQTT port with TLS, usually 8883; 0 picks a free one; unset: no TLS."
    )
    amqp_port: int = Field(5672, ge=0, le=65535, description="AMQP port of message queues; 0 picks a free one.")
    amqps_port: int | None = Field(
        None, ge=0, le=65535, description="AMQP port with TLS, usually 5671; 0 picks a free one; unset: no TLS."
    )
    tls_certificate: Path | None = Field(
        None, description="Certificate with its chain (PEM) of the TLS ports; unset: one is made in the data directory."
    )
    tls_key: Path | None = Field(None, description="Private key (PEM) of `tls_certificate`.")
    max_connections: int = Field(10_000, ge=1, le=1_000_000, description="Device connections at once at most.")
    device_uplinks_per_s: float | None = Field(
        None, gt=0, le=100_000, description="MQTT packets per second of one device, above it reading waits; unset: all."
    )
    max_consumers: int = Field(1_000, ge=1, le=100_000, description="AMQP connections at once at most.")
    max_consumers_per_key: int = Field(100, ge=1, description="AMQP connections of one AccessKey at once at most.")
    amqp_strict_heartbeat: bool = Field(
        False, description="Refuse AMQP clients whose heartbeat is not 30 to 60 s, as the contract's prose has it."
    )
    amqp_url: str | None = Field(
        None,
        description="Address of message queues as customers reach it, for `connectUrl`; unset: where AMQP listens.",
    )
    queue_engine: str = Field(
        "builtin",
        repr=False,  # a URL may carry a password
        description="What keeps message queues: `builtin`, or a RabbitMQ as amqp://user:password@host:port/; "
        "`amqps://` with TLS.",
    )
    rabbitmq_management_url: str | None = Field(
        None, description="Management API of RabbitMQ; unset: port 15672 of its host, with TLS 15671."
    )
    rabbitmq_customers_declare: bool = Field(
        False,
        description="Customers may declare their own queue at RabbitMQ, for clients that always do; to RabbitMQ that "
        "includes deleting it.",
    )
    rabbitmq_auth_secret: SecretStr | None = Field(
        None,
        min_length=16,
        description="What RabbitMQ shows when it asks about customers, as a part of the paths; unset: it may only ask "
        "from this machine.",
    )
    max_queues: int = Field(50, ge=1, description="Queues of an account at most.")
    max_subscriptions: int = Field(100, ge=1, description="Subscriptions of an account at most.")
    queue_bytes: int = Field(
        500 * 1024 * 1024, ge=1_048_576, description="Bytes that wait in a queue at most; the oldest messages go first."
    )
    queue_age_s: int = Field(21_600, ge=60, description="Seconds that a message waits in a queue at most.")
    reconnect_as_online: bool = Field(
        False, description="Messages tell a sub-device that changed gateways while online by 1, not by 2."
    )
    network_positions: bool = Field(
        True, description="Messages with positions have the cells and Wi-Fi scans of a report as well."
    )
    device_commands_per_s: float | None = Field(
        None, gt=0, le=100_000, description="Commands per second to one device, above it 61007; unset: no limit."
    )
    device_messages_per_day: int | None = Field(
        None,
        ge=1,
        description="Messages of one device on a day (UTC), both ways, in units of 512 bytes; above it commands answer "
        "61006 and reports are only kept as exceptions; unset: no limit.",
    )
    paid_pushes_per_month: int | None = Field(
        None,
        ge=1,
        description="Messages that all paid queues of an account get in a month (UTC) together; then they get no more, "
        "while the free queue of each application goes on; unset: no limit.",
    )
    app_calls_per_s: float | None = Field(
        None,
        gt=0,
        le=1_000_000,
        description="OpenAPI calls per second of one SaaS application on this process, above it HTTP 429; "
        "unset: no limit.",
    )
    demo: bool = Field(False, description="Seed the demo account and write demo.json.")
    admin_email: str = Field("admin@example.com", description="E-mail of the administrator that the first start makes.")
    language: Literal["CN", "EN"] = Field("CN", description="Language of OpenAPI messages when a call names none.")
    http_status: Literal["always-200", "mapped"] = Field(
        "always-200", description="`mapped`: 91001, 91004 as HTTP 401 and 91005 to 91007, 70089 as HTTP 403."
    )
    token_lifetime_s: int = Field(7200, ge=60, le=2_592_000, description="Life of an OpenAPI token in seconds.")
    token_renew_after_s: int = Field(
        1800, ge=0, le=2_592_000, description="Younger tokens come back unchanged from refreshToken, in seconds."
    )
    login_window_s: int = Field(
        600, ge=10, le=86_400, description="How far a login's timestamp may be from the server's clock, in seconds."
    )
    user_token_lifetime_s: int = Field(
        7200, ge=60, le=31_536_000, description="Life of an end user's access token in seconds."
    )
    trusted_proxies: Annotated[list[str], NoDecode] = Field(
        [], description="Addresses or networks, separated by commas, whose X-Forwarded-For is believed."
    )
    max_products: int | None = Field(None, ge=1, description="Products of an account at most; unset: no limit.")
    max_apps: int | None = Field(None, ge=1, description="SaaS applications of an account at most; unset: no limit.")
    max_features: int = Field(500, ge=1, le=8000, description="Features of a thing model at most.")
    audit_days: int = Field(180, ge=1, le=36_500, description="Days that audit entries are kept.")
    data_days: int = Field(7, ge=1, le=36_500, description="Days that the messages of devices are kept.")
    event_days: int = Field(90, ge=1, le=36_500, description="Days that events of devices are kept.")
    location_days: int = Field(90, ge=1, le=36_500, description="Days that positions of devices are kept.")
    exception_days: int = Field(7, ge=1, le=36_500, description="Days that unusable messages of devices are kept.")
    command_days: int = Field(90, ge=1, le=36_500, description="Days that finished commands are kept.")
    statistics_days: int = Field(90, ge=1, le=36_500, description="Days that statistics of OpenAPI calls are kept.")
    request_log_rows: int = Field(
        1_000, ge=0, le=100_000, description="Newest OpenAPI calls that are logged of each SaaS application; 0: none."
    )
    request_log_days: int = Field(7, ge=1, le=36_500, description="Days that logged OpenAPI calls are kept.")
    request_log_answer_bytes: int = Field(
        2_048, ge=0, le=65_536, description="Bytes of an answer that are logged with its call; 0: none."
    )
    drain_s: int = Field(10, ge=0, le=600, description="Seconds that running requests get at shutdown.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least level that is logged.")
    log_format: Literal["auto", "json", "console"] = Field(
        "auto", description="Log lines on standard error; `auto`: console on a terminal, else JSON."
    )

    @model_validator(mode="after")
    def _both_or_neither(self) -> Self:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("tls_certificate and tls_key belong together")
        return self

    @model_validator(mode="after")
    def _rabbitmq_address(self) -> Self:
        if self.rabbitmq is None and (self.rabbitmq_management_url or self.rabbitmq_auth_secret):
            raise ValueError("rabbitmq_management_url and rabbitmq_auth_secret need a RabbitMQ as queue_engine")
        return self

    @property
    def rabbitmq(self) -> Address | None:
        """The RabbitMQ that keeps message queues; None when Mooring does."""
        if self.queue_engine == "builtin":
            return None
        try:
            return Address.parse(self.queue_engine, self.rabbitmq_management_url)
        except AddressError as error:
            raise ValueError(f"queue_engine: {error}") from None

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return [entry.strip() for entry in value.split(",") if entry.strip()]

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, value: list[str]) -> list[str]:
        for entry in value:
            ip_network(entry)
        return value


def load_settings(flags: dict[str, Any], file: Path | None = None) -> Settings:
    """The settings in force; `flags` holds only what was given on the command line. Raises SettingsError."""
    if file is not None and not file.is_file():
        raise SettingsError(f"settings file {file} does not exist")
    toml_file = file or _DEFAULT_FILE

    class Loaded(Settings):
        """Settings whose file is known only now."""

        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            """Flags before environment before file."""
            return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file)

    try:
        return Loaded(**flags)
    except ValidationError as error:
        raise SettingsError("; ".join(_describe(entry) for entry in error.errors())) from None
    except (TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"settings file {toml_file}: {error}") from None
    except SourceError as error:
        raise SettingsError(str(error)) from None


def warn_of_unknown_variables() -> None:
    """Log each `MOORING_…` variable that is no setting: most often a misspelt one."""
    known = {f"MOORING_{name.upper()}" for name in Settings.model_fields} | _OTHER_VARIABLES
    for name in sorted(os.environ):
        if name.startswith("MOORING_") and name not in known:
            _log.warning("environment variable is no setting", variable=name)


def _describe(entry: "ErrorDetails") -> str:
    """One fault without its value, which may be a secret."""
    where = ".".join(str(part) for part in entry["loc"])
    return f"setting {where}: {entry['msg']}" if where else f"settings: {entry['msg']}"
