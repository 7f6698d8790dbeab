"""Who owes what: contexts, tariffs, passages, trips, charges, entries (ISO 17575, ISO 12855). Pure; knows no store."""
