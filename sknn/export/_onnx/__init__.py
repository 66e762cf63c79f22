"""The parts of `to_onnx`: rows, layers and heads, each as nodes of a graph."""
