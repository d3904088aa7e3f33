"""One module per step; none is ever changed once released."""
