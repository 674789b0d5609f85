"""Statistics no analysis owns: how well a score tells events apart, and intervals that respect accounts."""
