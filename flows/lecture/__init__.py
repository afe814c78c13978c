"""The lecture: every experiment it shows, as studies that train, measure and draw; and the gallery of them all."""
