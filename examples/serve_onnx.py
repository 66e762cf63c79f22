"""
Serving a model with ONNX Runtime
=================================

This server predicts with a model written by `sknn.export.to_onnx`. It needs
``onnxruntime`` and NumPy, but neither sknn nor scikit-learn. Download the script and
run it:

.. code-block:: bash

   python serve_onnx.py model.onnx --port 8000
   curl localhost:8000 -d '[{"age": 39, "town": "Rome"}, {"age": null, "town": "Oslo"}]'

Without a model, the script trains a small network (for this it needs sknn), serves it,
sends the request above and prints the answer. This takes a few seconds:

.. code-block:: text

   Request: [{"age": 39, "town": "Rome"}, {"age": null, "town": "Oslo"}]
   Answer: {"variable": [[64.59133598718566], [71.29434645207219]]}

A request is a list of rows. A row has a value for each input of the model: for tables a
number, a string or null per column, otherwise a list of numbers, ``{"X": [5.1, 3.5]}``.
The answer has a list for each output. ``GET`` returns the names, types and shapes of
both. A request that cannot be answered gets a status of 4xx or 500 and an error.

This is only an example: a server in production also needs encryption, timeouts, a limit
on the number of requests, and a log.

See `Deployment <https://sknn.github.io/sknn/stable/guide/deployment.html>`_ in the
user guide for the models that can be exported.
"""

# sphinx_gallery_thumbnail_path = "thumbnails/serve_onnx.svg"

import argparse
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from urllib.request import urlopen

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


def entries(value, shape):
    """Yield the entries of the nested lists of one row, which must have this shape."""
    if not shape:
        if isinstance(value, list | dict):
            raise ValueError("has too many brackets")
        yield value
        return
    n = shape[0]  # a number, or a name or None for any number
    if not isinstance(value, list) or (isinstance(n, int) and len(value) != n):
        raise ValueError(f"must have the shape {shape} in each row")
    for item in value:
        yield from entries(item, shape[1:])


def array_of(values, shape, type_name):
    """Return the values of one input, one of each row, as an array."""
    if shape[1:] == [1]:  # a column: the brackets can be left out
        values = [v if isinstance(v, list) else [v] for v in values]
    cells = [list(entries(value, shape[1:])) for value in values]
    if len({len(row) for row in cells}) > 1:
        raise ValueError("must have the same length in all rows")
    n = len(values)
    lengths = [n if isinstance(n, int) else -1 for n in shape[1:]]
    flat = [cell for row in cells for cell in row]
    if type_name == "tensor(string)":
        if not all(isinstance(cell, str | None) for cell in flat):
            raise ValueError("must be text or null")
        text = ["" if cell is None else cell for cell in flat]  # "" is missing
        return np.array(text, object).reshape(n, *lengths)
    if not all(isinstance(cell, int | float | None) for cell in flat):
        raise ValueError("must be numbers or null")
    dtype = np.dtype(DTYPES[type_name])
    array = np.array([np.nan if cell is None else float(cell) for cell in flat])
    with np.errstate(all="ignore"):
        converted = array.astype(dtype)
    if dtype.kind != "f" and not np.array_equal(converted, array):
        raise ValueError(f"must be of the type {dtype}")
    if np.isinf(converted).any():
        raise ValueError(f"must be finite numbers of the type {dtype}")
    return converted.reshape(n, *lengths)


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
        except (OverflowError, ValueError) as error:
            raise ValueError(f"{value.name!r}: {error}") from None
    names = [value.name for value in session.get_outputs()]
    outputs = dict(zip(names, session.run(names, feeds), strict=True))
    for out in outputs.values():
        if out.dtype.kind == "f" and not np.isfinite(out).all():
            raise ValueError("no prediction: a number is missing or too large")
    return {name: out.tolist() for name, out in outputs.items()}


def no_number(text):
    """Refuse NaN and Infinity, which Python reads but JSON does not have."""
    raise ValueError(f"{text} is not JSON: missing values are null")


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
            length = self.headers.get("Content-Length", "")
            if not (length.isascii() and length.isdecimal()):
                return self.answer(411, {"error": "Content-Length must be a number"})
            if len(length) > 9 or int(length) > MAX_BYTES:
                return self.answer(413, {"error": f"more than {MAX_BYTES} bytes"})
            try:
                body = self.rfile.read(int(length))
                rows = json.loads(body, parse_constant=no_number)
                status, content = 200, predict(session, rows)
            except RecursionError:
                status, content = 400, {"error": "too many brackets"}
            except ValueError as error:  # also of JSON
                status, content = 400, {"error": str(error)}
            except Exception as error:  # of the model: only the log has the details
                self.log_error("%r", error)
                status, content = 500, {"error": "the model failed"}
            self.answer(status, content)

        def answer(self, status, content):
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return ThreadingHTTPServer(("localhost", port), Handler)


def demonstrate():
    """Train a small network, serve it, send a request, and print the answer."""
    import pandas as pd

    from sknn import TabularRegressor
    from sknn.export import to_onnx

    table = pd.DataFrame({"age": range(18, 66), "town": ["Rome", "Oslo"] * 24})
    income = 20 + table["age"] + 10 * (table["town"] == "Oslo")
    reg = TabularRegressor(n_members=1, random_state=0).fit(table, income)
    rows = [{"age": 39, "town": "Rome"}, {"age": None, "town": "Oslo"}]
    with TemporaryDirectory() as folder:
        path = Path(folder, "model.onnx")
        to_onnx(reg, path)
        with make_server(path, port=0) as server:
            Thread(target=server.serve_forever, daemon=True).start()
            address = f"http://localhost:{server.server_port}"
            with urlopen(address, json.dumps(rows).encode()) as response:
                answer = response.read().decode()
            server.shutdown()
    print(f"Request: {json.dumps(rows)}")
    print(f"Answer: {answer}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Serve an ONNX model.")
    parser.add_argument("model", nargs="?", help="the file that to_onnx has written")
    parser.add_argument("--port", type=int, default=8000)
    arguments = parser.parse_args()
    if arguments.model is None:
        demonstrate()
    else:
        with make_server(arguments.model, arguments.port) as server:
            print(
                f"Serving {arguments.model} on http://localhost:{arguments.port}",
                flush=True,
            )
            server.serve_forever()
