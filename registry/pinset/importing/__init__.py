"""Import: what other tools, files and registries hold becomes releases, in batches, once, and what cannot is told."""
