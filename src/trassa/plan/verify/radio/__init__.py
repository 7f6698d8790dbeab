"""The radio of a plan judged again."""
