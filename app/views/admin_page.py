"""One incident, whole."""
