"""Networks as C code: a list of calls, the memory between them, and their text."""
