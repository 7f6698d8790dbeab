"""OTDR traces of a planned line: kept, learned from, located, drilled."""
