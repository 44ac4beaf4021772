"""The manifest an author writes: read whole, with every problem found and placed."""
