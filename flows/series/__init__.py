"""A series of studies: what each finds, the laboratory they work in, and the gallery of them all."""
