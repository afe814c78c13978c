"""Models: what an autoencoder is, a stack of them, and applying one, also in tiles."""
