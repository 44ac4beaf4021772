"""Where versions come from: one module a tool or format, each with a `pinset.domain.exchange.incoming.Source`."""
