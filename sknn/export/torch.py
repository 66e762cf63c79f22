"""Fitted estimators as PyTorch modules."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from sklearn.pipeline import Pipeline

from ..exceptions import ExportError
from ._plan import plan_of

if TYPE_CHECKING:
    from torch import nn


def to_torch(estimator: Any) -> nn.Module:
    """Return the network of a fitted estimator as a PyTorch module.

    The module has copies of the weights, as parameters that can be trained further, and
    is in evaluation mode. It is made of the layers of `torch.nn`, such as ``Linear`` and
    ``Conv2d``, and of a few modules for layers that PyTorch does not have. Dropout is
    there too, and acts after ``module.train()``.

    Called with a tensor, the module returns the raw scores (logits) that PyTorch's
    losses take. It has these methods and attributes:

    - ``predict_proba(x)`` of classifiers: probabilities, as ``predict_proba`` of the
      estimator returns them;
    - ``predict(x)``: of classifiers the indices of the predicted classes in
      ``classes_``, or for several labels 0 and 1; of regressors the numbers;
    - ``head``: the module that makes probabilities, or numbers in the units of ``y``, of
      raw scores. ``nn.Sequential(module, module.head)`` is a network that returns
      them, for `torch.export` and the like;
    - ``encoder``: the `TableEncoder` of an estimator of tables, otherwise None.

    Parameters
    ----------
    estimator : estimator
        A fitted classifier or regressor of sknn. Of a pipeline pass the last step, and
        transform rows by the steps before it.

    Returns
    -------
    module : torch.nn.Module
        Its parameters have the dtype of the network: float32 or float64. It takes

        - rows (n, n_features) of this dtype;
        - from estimators of images, images (n, channels, height, width) in PyTorch's
          order. If the estimator was fitted on bytes, they are bytes (uint8), or floats
          in [0, 1] as torchvision makes them;
        - from estimators of tables, the encoded rows ``module.encoder.transform(X)``.

    Raises
    ------
    ExportError
        If a layer or an activation is not from sknn.
    ImportError
        If PyTorch is not installed: ``pip install sknn[torch]``.

    See Also
    --------
    to_c : Write a network as C code.

    Notes
    -----
    Two things differ in training. PyTorch updates the running variance of batch
    normalization with ``n - 1`` instead of n in the denominator. Dense layers in the
    neural tangent parametrization have the weights ``α W``, so that their gradients, and
    steps of the same length, mean something else. Layers that were frozen can be
    trained.

    Raw scores of estimators of tables are those of scaled targets: for a regressor,
    compare ``module.predict(x)`` with ``y``. An ensemble has the raw scores of the mean
    prediction of its members.

    Examples
    --------
    >>> import torch  # doctest: +SKIP
    >>> from sklearn.datasets import load_iris
    >>> from sknn import MLPClassifier
    >>> from sknn.export import to_torch
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = MLPClassifier(max_iter=1000, random_state=0).fit(X, y)
    >>> module = to_torch(clf)  # doctest: +SKIP
    >>> module.predict_proba(torch.from_numpy(X)).shape  # doctest: +SKIP
    torch.Size([150, 3])
    """
    if isinstance(estimator, Pipeline):
        raise ExportError(
            "estimator must be an estimator of sknn, got a Pipeline. Pass its last "
            "step, estimator[-1], and transform rows by estimator[:-1]."
        )
    plan = plan_of(estimator, keep_dropout=True)
    try:
        import_module("torch")
    except ImportError as error:
        raise ImportError(
            "to_torch needs PyTorch, which is not installed: pip install sknn[torch]."
        ) from error
    from ._torch.network import network_module

    return network_module(plan)
