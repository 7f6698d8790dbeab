"""What lies in the verge: the trench's lengths, cables, reels, closures, chambers, drops."""
