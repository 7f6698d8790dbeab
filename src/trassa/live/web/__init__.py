"""The doors of the live platform: HTTP API, WebSockets, accounts, and the built web pages."""
