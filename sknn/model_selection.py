"""Model selection: search spaces, and a search that goes from coarse to fine."""
