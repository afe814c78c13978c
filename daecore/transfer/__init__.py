"""Transfer: from an encoder to a classifier, and what that is worth."""
