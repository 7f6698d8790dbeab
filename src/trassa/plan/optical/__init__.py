"""Questions to the optical line of a planned road, its papers and exports, and the stage that plans it."""
