"""The optical line of a plan judged again."""
