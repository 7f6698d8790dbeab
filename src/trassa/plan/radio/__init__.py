"""Questions to the radio of a planned road, and the stage that plans it."""
