"""What ``trassa.toml`` says about the live platform; it stands here because ``plan`` reads the whole file."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["LiveSettings"]


class LiveSettings(BaseModel):
    """``[live]``: where the platform listens and what it keeps."""

    model_config = ConfigDict(extra="forbid")

    host: str = Field(default="127.0.0.1", description="Address the web server binds; another than loopback needs TLS")
    public_hosts: list[str] = Field(
        default=[],
        max_length=20,
        description="Names by which browsers reach the web server beside its own address, road.example or"
        " road.example:8443. A proxy on this machine that speaks TLS for them says who the client is"
        " (X-Forwarded-For, X-Forwarded-Proto) and passes the Host on",
    )
    port: int = Field(default=8000, ge=0, le=65535, description="Port of the web server; 0 takes a free one")
    mqtt_port: int = Field(default=1883, ge=0, le=65535, description="Port of the MQTT door; 0 takes a free one")
    postgres_url: str = Field(default="", description="External PostgreSQL; empty: the embedded one")
    window_ms: int = Field(default=20, ge=1, le=1000, description="Batching window of the ingest, ms")
    raw_hours: int = Field(default=24, ge=1, le=168, description="How long raw messages are kept, h")
    places_days: int = Field(default=400, ge=1, le=36500, description="How long archived places are kept, days")
    max_stream_mb: int = Field(default=2048, ge=64, le=102400, description="Size limit of the captured CAMs, MB")
    max_kept_mb: int = Field(
        default=1024, ge=16, le=102400, description="Size limit of the inbound DENMs and own fixes that wait, MB"
    )
