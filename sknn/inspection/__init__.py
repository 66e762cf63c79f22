"""Inspection: what is going on in a network, before, during and after training."""
