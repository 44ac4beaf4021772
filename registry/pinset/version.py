"""Which version of Pinset this is."""

VERSION = "0.1.0"
