"""What other tools' files and payloads mean: read into an author's files, and written from a release document. Pure."""
