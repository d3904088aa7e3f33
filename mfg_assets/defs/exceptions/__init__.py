"""The exception ledger's place in the graph."""
