"""Networks as PyTorch modules. Only `layers`, `heads` and `modules` import PyTorch."""
