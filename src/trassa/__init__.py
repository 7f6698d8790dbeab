"""trassa: plan, prove and run connected roads."""

__version__ = "0.2.0"
