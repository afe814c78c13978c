"""Studies: running those of any installed series, one by one cached, and the gallery of what they found."""
