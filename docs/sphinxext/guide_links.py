"""A link to the user guide, below the first paragraph of each docstring in the API."""

GUIDE_PAGES = {
    "sknn": "guide/index",
    "sknn.CNNClassifier": "guide/images",
    "sknn.CNNRegressor": "guide/images",
    "sknn.MLPClassifier": "guide/training",
    "sknn.MLPRegressor": "guide/training",
    "sknn.SequentialClassifier": "guide/deep_networks",
    "sknn.SequentialRegressor": "guide/deep_networks",
    "sknn.TabularClassifier": "guide/tables",
    "sknn.TabularRegressor": "guide/tables",
    "sknn.activations": "guide/activations",
    "sknn.augmentation": "guide/images",
    "sknn.callbacks": "guide/saving",
    "sknn.display": "guide/displays",
    "sknn.exceptions.ExportError": "guide/deployment",
    "sknn.exceptions.FileError": "guide/saving",
    "sknn.export": "guide/deployment",
    "sknn.initializers": "guide/initialization",
    "sknn.inspection": "guide/recipe",
    "sknn.layers": "guide/extending",
    "sknn.layers.Activation": "guide/activations",
    "sknn.layers.AvgPool2D": "guide/images",
    "sknn.layers.BatchEnsembleDense": "guide/tables",
    "sknn.layers.BatchNorm": "guide/deep_networks",
    "sknn.layers.CategoricalEmbedding": "guide/tables",
    "sknn.layers.Conv2D": "guide/images",
    "sknn.layers.DropConnect": "guide/regularization",
    "sknn.layers.Dropout": "guide/regularization",
    "sknn.layers.Ensemble": "guide/tables",
    "sknn.layers.Flatten": "guide/images",
    "sknn.layers.GlobalAvgPool2D": "guide/images",
    "sknn.layers.LayerNorm": "guide/deep_networks",
    "sknn.layers.MaxPool2D": "guide/images",
    "sknn.layers.MemberDense": "guide/tables",
    "sknn.layers.PReLU": "guide/activations",
    "sknn.layers.Pad": "guide/images",
    "sknn.layers.ParametricActivation": "guide/tables",
    "sknn.layers.PeriodicEmbedding": "guide/tables",
    "sknn.layers.PiecewiseLinearEmbedding": "guide/tables",
    "sknn.layers.Residual": "guide/deep_networks",
    "sknn.layers.Scale": "guide/tables",
    "sknn.layers.ToImages": "guide/images",
    "sknn.layers.ToMembers": "guide/tables",
    "sknn.load": "guide/saving",
    "sknn.losses": "guide/losses",
    "sknn.losses.GaussianNLL": "guide/uncertainty",
    "sknn.model_selection": "guide/search",
    "sknn.network": "guide/extending",
    "sknn.objective": "guide/extending",
    "sknn.preprocessing": "guide/tables",
    "sknn.save": "guide/saving",
    "sknn.schedules": "guide/schedules",
    "sknn.show_versions": "guide/reproducibility",
    "sknn.solvers": "guide/solvers",
    "sknn.versions": "guide/reproducibility",
}
"""The page of an object, or of the module that it is in."""


def add_link(app, what, name, obj, options, lines):
    if what not in {"class", "exception", "function"}:
        return
    module = name.rpartition(".")[0]
    page = GUIDE_PAGES.get(name) or GUIDE_PAGES.get(module)
    if page is None:
        raise ValueError(f"GUIDE_PAGES of guide_links.py has no page for {module}.")
    end = lines.index("") if "" in lines else len(lines)
    lines[end:end] = ["", f"Read more in the User Guide: :doc:`/{page}`."]


def setup(app):
    # Before numpydoc (priority 500), which takes the docstring apart.
    app.connect("autodoc-process-docstring", add_link, priority=400)
    return {"parallel_read_safe": True}
