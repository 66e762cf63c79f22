"""Fitted estimators as PyTorch modules."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from sklearn.pipeline import Pipeline

from .._sklearn import BaseSearchCV
from ..exceptions import ExportError
from ._argument import check_is_instance
from ._plan import plan_of, unwrapped


def to_torch(estimator: Any) -> Any:
    """Return the network of a fitted estimator as a PyTorch module.

    The module has copies of the weights, as parameters that can be trained further, and
    is in evaluation mode. It is made of modules of `torch.nn`, such as ``Linear`` and
    ``Conv2d``, and of a few others for layers that PyTorch does not have. It has the
    dropout of the network too, which acts after ``module.train()``.

    Called with a tensor, the module returns raw scores (logits) of shape (n, n_scores),
    as the losses of PyTorch take them. It has these methods and attributes:

    - ``predict_proba(x)`` of classifiers: the probabilities that ``predict_proba`` of
      the estimator returns.
    - ``predict(x)``: of classifiers the indices of the predicted classes in
      ``classes_``, or 0 and 1 for each label; of regressors the numbers.
    - ``head``: the module that turns raw scores into probabilities or numbers.
      ``nn.Sequential(module, module.head)`` is a network that returns these, for
      `torch.export` and the like.
    - ``encoder``: the :class:`~sknn.preprocessing.TableEncoder` of an estimator of
      tables, otherwise None.

    Parameters
    ----------
    estimator : estimator
        A fitted classifier or regressor of sknn, or a search such as `GridSearchCV`
        whose best estimator is one. For a pipeline, pass the last step, and transform
        the rows with the steps before it.

    Returns
    -------
    module : torch.nn.Module
        Its parameters have the dtype of the network, float32 or float64. Its input is a
        tensor of this dtype:

        - rows of shape (n, n_features);
        - for an estimator of images, images of shape (n, channels, height, width), the
          order of PyTorch. If the estimator was fitted on images of uint8, they can be
          of uint8 as well, or floats in [0, 1], as torchvision makes them;
        - for an estimator of tables, the encoded table:
          ``module.encoder.transform(X)``.

    Raises
    ------
    ExportError
        If a layer or an activation is not from sknn, or `estimator` is not an estimator
        of sknn.
    NotFittedError
        If the estimator is not fitted.
    ImportError
        If PyTorch is not installed: ``pip install "sknn[torch]"``.

    See Also
    --------
    to_onnx : The network as an ONNX model, for other runtimes.
    to_c : The network as C code.

    Notes
    -----
    Regressors for tables scale the targets. Their ``predict(x)`` and ``head`` return
    float64, as ``predict`` of the estimator does, because float32 has too few digits
    for targets such as 1e9 ± 1e3. For a device without float64, call
    ``module.to(device, torch.float32)``.

    Training in PyTorch differs from training in sknn:

    - The running variance of batch normalization is divided by ``n - 1``, not n.
    - Layers that were frozen are trained.
    - The dense layers of estimators of tables have the neural tangent parametrization.
      In PyTorch their weights already contain its factor, so the same learning rate
      makes steps of another size.

    The raw scores of a regressor for tables are predictions of the scaled targets. To
    compute a loss from ``y``, use ``module.predict(x)``. The raw scores of an ensemble
    are those of the mean prediction of its members.

    Examples
    --------
    >>> import torch
    >>> from sklearn.datasets import load_iris
    >>> from sknn import MLPClassifier
    >>> from sknn.export import to_torch
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = MLPClassifier(max_iter=1000, random_state=0).fit(X, y)
    >>> module = to_torch(clf)
    >>> module.layers
    Sequential(
      (dense1): Linear(in_features=4, out_features=100, bias=True)
      (activation1): ReLU()
      (dense2): Linear(in_features=100, out_features=3, bias=True)
    )
    >>> p = module.predict_proba(torch.from_numpy(X[[133]]))
    >>> print(p.detach().numpy().round(2), clf.predict_proba(X[[133]]).round(2))
    [[0.   0.54 0.46]] [[0.   0.54 0.46]]
    """
    check_is_instance(estimator)
    inner = unwrapped(estimator)
    if isinstance(inner, Pipeline):
        is_search = isinstance(estimator, BaseSearchCV)
        name = "estimator.best_estimator_" if is_search else "estimator"
        raise ExportError(
            "estimator must be an estimator of sknn, got a Pipeline. Pass its last "
            f"step, {name}[-1], and transform rows by {name}[:-1]."
        )
    plan = plan_of(inner, keep_dropout=True)
    try:
        import_module("torch")
    except ImportError as error:
        raise ImportError(
            'to_torch needs PyTorch, which is not installed: pip install "sknn[torch]".'
        ) from error
    from ._torch.network import network_module

    return network_module(plan)
