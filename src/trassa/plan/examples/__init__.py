"""Bundled examples: a road in the hills that is drawn here, and the M-11 Neva from published facts."""
