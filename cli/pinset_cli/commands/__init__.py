"""The commands, a file for each thing a person comes to do."""
