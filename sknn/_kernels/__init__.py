"""Compiled kernels: loops that NumPy cannot fuse. Each has a NumPy twin elsewhere."""
