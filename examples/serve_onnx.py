"""
Serving a model with ONNX Runtime
=================================

This server predicts with a model that `sknn.export.to_onnx` has written. It needs
``onnxruntime`` and NumPy, but neither sknn nor scikit-learn:

.. code-block:: bash

   python examples/serve_onnx.py model.onnx --port 8000
   curl localhost:8000 -d '[{"age": 39, "town": "Rome"}, {"age": null, "town": "Oslo"}]'

A request is a list of rows. A row has a value for each input of the model: for tables a
number, a text or null per column, otherwise a list of numbers, ``{"X": [5.1, 3.5]}``.
The answer has a list for each output. ``GET`` returns the names, types and shapes of
both.

It is an example: a server in production also needs encryption, limits of time and load,
and a log.
"""

import argparse
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import onnxruntime

MAX_BYTES = 2**20
"""Size of the longest request."""

DTYPES = {
    "tensor(double)": np.float64,
    "tensor(float)": np.float32,
    "tensor(int64)": np.int64,
    "tensor(uint8)": np.uint8,
    "tensor(bool)": np.bool_,
}


def array_of(values, shape, type_name):
    """Return the values of one input, one of each row, as an array."""
    if type_name == "tensor(string)":
        if not all(isinstance(value, str | None) for value in values):
            raise ValueError("must be text or null")
        text = ["" if value is None else value for value in values]  # "" is missing
        return np.array(text, object).reshape(-1, 1)
    numbers = [np.nan if value is None else value for value in values]
    if any(isinstance(value, str) for value in numbers):
        raise ValueError("must be numbers or null")
    array, dtype = np.array(numbers, np.float64), np.dtype(DTYPES[type_name])
    with np.errstate(all="ignore"):
        converted = array.astype(dtype)
    if dtype.kind != "f" and not np.array_equal(converted, array):
        raise ValueError(f"must be of the type {dtype}")
    return converted.reshape(len(values), *shape[1:])


def predict(session, rows):
    """Return the outputs of the model by name, for rows as they come from JSON."""
    is_list = isinstance(rows, list) and rows
    if not is_list or not all(isinstance(row, dict) for row in rows):
        raise ValueError('the request must be a list of rows, [{"X": [...]}, ...]')
    feeds = {}
    for value in session.get_inputs():
        if not all(value.name in row for row in rows):
            raise ValueError(f"a row lacks {value.name!r}")
        values = [row[value.name] for row in rows]
        try:
            feeds[value.name] = array_of(values, value.shape, value.type)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{value.name!r}: {error}") from None
    names = [value.name for value in session.get_outputs()]
    outputs = session.run(names, feeds)
    return {name: out.tolist() for name, out in zip(names, outputs, strict=True)}


def described(values):
    """Return names, types and shapes of inputs or outputs."""
    return [{"name": v.name, "type": v.type, "shape": v.shape} for v in values]


def make_server(path, port):
    """Return a server for the model in a file; several threads share its session."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            model = {
                "inputs": described(session.get_inputs()),
                "outputs": described(session.get_outputs()),
            }
            self.answer(200, model)

        def do_POST(self):
            length = int(self.headers.get("Content-Length", 0))
            if length > MAX_BYTES:
                return self.answer(413, {"error": f"more than {MAX_BYTES} bytes"})
            try:
                rows = json.loads(self.rfile.read(length))
                self.answer(200, predict(session, rows))
            except ValueError as error:  # also of JSON
                self.answer(400, {"error": str(error)})

        def answer(self, status, content):
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return ThreadingHTTPServer(("localhost", port), Handler)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("model", help="the file that to_onnx has written")
    parser.add_argument("--port", type=int, default=8000)
    arguments = parser.parse_args()
    with make_server(arguments.model, arguments.port) as server:
        print(f"Serving {arguments.model} on http://localhost:{arguments.port}")
        server.serve_forever()
