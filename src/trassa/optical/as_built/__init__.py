"""Lists of plant that is built, and what follows from them."""
