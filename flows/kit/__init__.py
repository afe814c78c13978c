"""The kit of plugin authors: a catalogue of what is installed, and scaffolds for what is not."""
