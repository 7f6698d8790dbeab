"""What the line is worth to what hangs on it: cuts, availability, edge, fronthaul, rates."""
