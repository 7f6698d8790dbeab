"""The line as a drawing for offices."""
