"""trassa: plan, prove and run connected roads."""

__version__ = "0.1.0"
