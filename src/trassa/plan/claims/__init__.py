"""From layers to claims: what each promise of trassa.toml comes to."""
