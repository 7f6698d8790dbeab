"""The road as it is this second: broker, store, ingest, warnings, tolls, HTTP API and web map."""
