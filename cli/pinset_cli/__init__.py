"""The command line of Pinset. The only place that prints, reads the environment or exits."""
