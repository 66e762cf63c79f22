"""The pictures that the examples of the displays draw, below their code."""

HEADING = ["Examples", "--------"]


def draw_examples(app, what, name, obj, options, lines):
    if what != "class" or not name.startswith("sknn.display."):
        return
    start = lines.index(HEADING[0])
    if lines[start + 1] != HEADING[1]:
        raise ValueError(f"{name} has no section with examples.")
    code = [f"   {line}".rstrip() for line in lines[start + 2 :]]
    lines[start + 2 :] = [
        ".. plot::",
        "   :include-source:",
        f"   :alt: The picture that the example of {obj.__name__} draws.",
        "",
        *code,
    ]


def setup(app):
    app.setup_extension("matplotlib.sphinxext.plot_directive")
    # Before numpydoc (priority 500), which takes the docstring apart.
    app.connect("autodoc-process-docstring", draw_examples, priority=400)
    return {"parallel_read_safe": True}
