"""The use cases, one a file. They speak to ports only, and decide nothing that `pinset.domain` could."""
