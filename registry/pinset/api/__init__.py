"""The registry over HTTP: routes, guards, problem documents. No rule of the registry is decided here."""
