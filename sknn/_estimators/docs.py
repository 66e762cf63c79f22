"""Paragraphs that the docstrings of several estimators share."""

from __future__ import annotations

from collections.abc import Callable
from textwrap import indent
from typing import TypeVar

T = TypeVar("T", bound=type)

TRAINING_PARAMETERS = """\
solver : str or Solver, default='adam'
    How the weights are found. On mini-batches: 'sgd' (gradient descent, with momentum),
    'adagrad', 'rmsprop', 'adadelta' (with ``learning_rate_init=1`` and
    ``epsilon=1e-6`` as a rule), 'adam', 'adamw' (adam with decoupled weight decay) and
    'nadam' (adam with Nesterov's momentum). On all rows at once: 'lbfgs', a
    quasi-Newton method, good for small data sets. Or an object of `sknn.solvers`.
alpha : float, default=0.0001
    Strength of the penalty ``alpha (l1_ratio |W|₁ + ½ (1 - l1_ratio) |W|²)`` on the
    weights, not the biases. As in scikit-learn it is divided by the number of rows of
    a batch (by their total weight), so that its effect depends on `batch_size`;
    `weight_decay` does not.
batch_size : int or 'auto', default='auto'
    Rows of a mini-batch; 'auto' is ``min(200, n_samples)``. Not used by 'lbfgs'.
learning_rate : str or Schedule, default='constant'
    How the learning rate changes, with any solver but 'lbfgs', which has none. The
    names after 'adaptive' are planned for `max_iter` epochs.

    - 'constant': always `learning_rate_init`.
    - 'invscaling': ``learning_rate_init / (t + 1) ** power_t`` after t training rows.
    - 'adaptive': divided by 5 each time the loss (with `early_stopping`, the
      validation score) has not improved by `tol` for `n_iter_no_change` epochs.
    - 'step': divided by 10 after a half and after three quarters of the epochs.
    - 'exponential': falls by the same factor each epoch, to a hundredth.
    - 'linear', 'cosine': falls to 0 on a line, or on half a wave.
    - 'inverse_sqrt': falls with the root of the epochs, to a third.
    - 'one_cycle': rises to `learning_rate_init` and falls again.

    Or an object of `sknn.schedules`, such as ``Cosine(warmup=5, final=0.01)``, whose
    parameters a search reaches as ``learning_rate__warmup``. As in scikit-learn,
    ``solver='adam'`` ignores the names 'invscaling' and 'adaptive'; it follows the
    objects ``InvScaling()`` and ``Adaptive()``.
learning_rate_init : float, default=0.001
    The learning rate that the schedule's factor applies to. Not used by 'lbfgs'.
power_t : float, default=0.5
    Exponent of ``learning_rate='invscaling'``.
max_iter : int, default=200
    Most epochs (passes over the training rows), or iterations of 'lbfgs'.
shuffle : bool, default=True
    Whether to draw a new order of the rows in each epoch. Not used by 'lbfgs'.
random_state : int, RandomState instance or None, default=None
    Decides the initial weights, the hold-out of `early_stopping`, the order of rows,
    the masks of dropout, the shares of mixup and the draws of augmentation. An int
    gives the same result on each call (but a splitter passed as `validation_fraction`
    has a `random_state` of its own).
tol : float, default=1e-4
    Smallest change of loss or score that counts as an improvement; for 'lbfgs' the
    largest element of the gradient at which the search ends.
verbose : bool or int, default=False
    Whether to print the loss, and the validation score, after each epoch; 2 prints a
    table with all of `history_` instead.
warm_start : bool, default=False
    Whether `fit` starts from the weights of the last call instead of new ones. The
    state of the solver starts anew; `partial_fit` goes on with that too.
momentum : float, default=0.9
    Momentum, in [0, 1]. Used by ``solver='sgd'`` only.
nesterovs_momentum : bool, default=True
    Whether momentum looks ahead. Used by ``solver='sgd'`` only.
early_stopping : bool, default=False
    Whether to stop when the score on a validation set has not improved by `tol` for
    `n_iter_no_change` epochs, and to go back to the weights that scored best. The
    validation set is the one passed to `fit`, or `validation_fraction` of the training
    rows (stratified for two classes). Unlike in scikit-learn, this works with
    ``solver='lbfgs'`` as well. Without it, training stops when the training loss does
    not improve.
validation_fraction : float or splitter, default=0.1
    Share of the training rows that `early_stopping` holds out, at least two rows; or a
    splitter of scikit-learn, such as `PredefinedSplit`, whose first split is used. Not
    used when `fit` is given `X_val` and `y_val`.
beta_1 : float, default=0.9
    Decay of the mean gradient, in [0, 1). Used by 'adam', 'adamw' and 'nadam' only.
beta_2 : float, default=0.999
    Decay of the mean squared gradient, in [0, 1). Used by 'adam', 'adamw' and 'nadam'
    only.
epsilon : float, default=1e-8
    Keeps the division finite. Used by all solvers but 'sgd' and 'lbfgs'.
n_iter_no_change : int or np.inf, default=10
    Training stops after more epochs than that without improvement.
max_fun : int, default=15000
    Most evaluations of the loss. Used by ``solver='lbfgs'`` only.
scoring : str, callable or None, default=None
    What `early_stopping` watches: 'loss' (the validation loss; the recorded scores are
    its negative), any scorer of scikit-learn by name, a callable
    ``scorer(estimator, X, y)``, or None for what `score` returns. A scorer is given
    the weights of the rows if it takes `sample_weight`, and a copy of the validation
    rows as an array."""

MLP_INITIALIZATION = """\
initializer : str, Initializer or one for each weight matrix, default='glorot_uniform'
    How the initial weights are drawn: 'zeros', 'constant', 'normal', 'glorot_uniform',
    'glorot_normal', 'he_uniform', 'he_normal', 'lecun_uniform', 'lecun_normal',
    'orthogonal', or 'auto', the one that suits the activation: He for the relu family,
    LeCun for selu, Glorot for the others and the output. Or an object of
    `sknn.initializers`. Biases begin at 0, except those of layers that are drawn by
    'glorot_uniform', where they are drawn too, as in scikit-learn.
init_scale : float, default=0.01
    Standard deviation of ``initializer='normal'``, value of 'constant'."""

CNN_INITIALIZATION = MLP_INITIALIZATION.replace(
    "default='glorot_uniform'", "default='auto'"
)

SOLVER_PARAMETERS = """\
rho : float, default=0.9
    Decay of the mean squared gradient, in [0, 1). Used by 'rmsprop' and 'adadelta'
    only.
weight_decay : float, default=0.01
    Share by which the weights shrink in a step, times the learning rate. Used by
    ``solver='adamw'`` only."""

LAYER_PARAMETERS = """\
dropout : float or one for each hidden layer, default=0
    Probability, in [0, 1), with which a hidden unit is left out of a training step. Of
    a CNN, one rate is for the dense layers; a list has one for each block too.
input_dropout : float, default=0
    The same for the features.
dropconnect : float, default=0
    Probability with which a weight is left out of a training step.
normalization : {'batch', 'layer'}, Layer or None, default=None
    What stands between a hidden layer or convolution and its activation: batch
    normalisation (over the rows of the batch; running averages at prediction time),
    layer normalisation (over the units, or channels, of a row), or nothing. Of a
    residual block only the first layer has it.
residual : bool, default=False
    Whether each two hidden layers form a residual block: the input of the block is
    added in front of its last activation, through a projection where widths differ.
    The last weights of a block begin at 0."""

DESCENT_PARAMETERS = """\
l1_ratio : float, default=0
    Share of the L1 norm in the penalty `alpha`, in [0, 1].
max_grad_norm : float or None, default=None
    The gradient of a step, penalty included, is scaled down to this Euclidean norm if
    it is longer. Not used by 'lbfgs'.
max_grad_value : float or None, default=None
    Each element of the gradient is clipped to ``±max_grad_value``, before
    `max_grad_norm`. Not used by 'lbfgs'.
mixup : float, default=0
    Above 0, the rows of a batch are mixed with each other in training, in shares
    ``λ ~ Beta(mixup, mixup)``; 0.2 is usual. The training loss is that of the mixed
    rows.
restore_best : bool, default=True
    Whether `early_stopping` goes back to the weights that scored best, or keeps the
    last ones.
refit_on_all : bool, default=False
    Whether `early_stopping`, having found the best epoch on the hold-out, trains anew
    on all rows for that many epochs. `history_` and the curves then tell of the run
    that found it, `n_iter_` and `loss_` of the final one, `t_` of both.
init_from : estimator, FrozenEstimator, path or None, default=None
    Where the weights begin instead of being drawn: a fitted estimator of sknn (in a
    `sklearn.frozen.FrozenEstimator`, so that `clone`, and with it every search, keeps
    it fitted), or a file that ``numpy.savez(path, *fitted.get_weights())`` has made.
    Layers are matched by position; the output layer is new where the classes differ.
freeze : 'conv', int, str, list of str or None, default=None
    Layers whose parameters stay as they are: all convolutions with what belongs to
    them, the first so many layers with weights, or layers by the names that `summary`
    shows. What is in front of the first trained layer costs no backward pass. Running
    averages of batch normalisation stay too; dropout between frozen layers goes on.
head_learning_rate : float or None, default=None
    Learning rate of the output layer in place of `learning_rate_init`, changed by the
    same schedule. Not used by 'lbfgs'."""

MLP_PARAMETERS = """\
hidden_layer_sizes : int or array-like of int, default=(100,)
    Units of each hidden layer; ``()`` is a linear model.
activation : str, ActivationFunction, Layer or one for each hidden layer, default='relu'
    Activation function of the hidden layers: 'identity', 'logistic', 'tanh', 'relu',
    'leaky_relu', 'prelu' (with a learned slope for each unit), 'elu', 'selu', 'gelu',
    'silu', 'mish', 'softplus', or an object of `sknn.activations`."""

CNN_PARAMETERS = """\
conv_channels : int or array-like of int, default=(32, 64)
    Channels of the convolution of each block. A block is convolution, normalisation if
    any, activation, pooling.
kernel_size : int, (int, int) or one for each block, default=3
    Height and width of a kernel. A list or tuple has one for each block, so that
    different sides are written ``[(5, 3), (3, 3)]``.
stride : int, (int, int) or one for each block, default=1
    Step of a kernel.
padding : {'same', 'valid'} or one for each block, default='same'
    Whether zeros around the image keep its size.
pooling : {'max', 'avg'}, None or one for each block, default='max'
    What a pooling window becomes.
pool_size : int, (int, int) or one for each block, default=2
    Height and width of a pooling window; windows lie side by side.
hidden_layer_sizes : int or array-like of int, default=(128,)
    Units of each dense hidden layer behind the blocks."""

CNN_ACTIVATION = """\
activation : str, ActivationFunction, Layer or one for each block and hidden layer, \
default='relu'
    Activation function: 'identity', 'logistic', 'tanh', 'relu', 'leaky_relu', 'prelu'
    (with a learned slope for each channel or unit), 'elu', 'selu', 'gelu', 'silu',
    'mish', 'softplus', or an object of `sknn.activations`."""

IMAGE_PARAMETERS = """\
input_shape : tuple or None, default=None
    Height, width and channels (1 if left out) of the images in the rows of `X`. None
    takes the shape of `X` if it is (n, H, W) or (n, H, W, C). Rows of numbers are
    guessed to be square images, grey or in colour, or strips one pixel high (of
    `layers` only if one of them needs images); kernels and windows of a CNN larger than
    a guessed image are cut.
augmentation : object of `sknn.augmentation`, list of them or None, default=None
    What makes variations of the images, such as ``[RandomFlip(), RandomShift(0.1)]``,
    in training batches only, from a random stream of its own."""

SEQUENTIAL_INITIALIZATION = """\
initializer : str or Initializer, default='auto'
    How the initial weights of layers without an initializer of their own are drawn:
    'zeros', 'constant', 'normal', 'glorot_uniform', 'glorot_normal', 'he_uniform',
    'he_normal', 'lecun_uniform', 'lecun_normal', 'orthogonal', or 'auto', the one that
    suits the activation behind the layer. The last weights of residual blocks begin
    at 0.
init_scale : float, default=0.01
    Standard deviation of ``initializer='normal'``, value of 'constant'."""

MLP_ATTRIBUTES = """\
coefs_ : list of ndarray of shape (fan_in, fan_out)
    Weight matrices, one a layer; views into the network.
intercepts_ : list of ndarray of shape (fan_out,)
    Bias vectors, one a layer; views into the network."""

IMAGE_ATTRIBUTES = """\
input_shape_ : tuple of int or None
    Height, width and channels of the images; None where the input is none."""

CLASSIFIER_PARAMETERS = """\
class_weight : dict, list of dict, 'balanced' or None, default=None
    Weight of each class, ``{class: weight}``; 'balanced' gives all classes the same
    total weight, ``n_samples / (n_classes * count)`` a row, rows counted by their
    `sample_weight`. For several labels a row, a dict a label. Multiplies
    `sample_weight`, in training and in the validation loss and score.
loss : 'log_loss' or Loss, default='log_loss'
    The loss to minimise: the cross-entropy, or an object of your own.
label_smoothing : float, default=0
    Share, in [0, 1), of each target that is spread evenly over all classes in
    training. Predictions and the validation loss know nothing of it."""

LOSS_PARAMETER = """\
loss : str or Loss, default='squared_error'
    The loss to minimise: 'squared_error' (half of it), 'absolute_error', 'huber'
    (squared up to `delta`, linear beyond), 'poisson' (half the deviance, for counts
    and rates ``y >= 0``; the network predicts the logarithm), 'quantile' (the
    pinball loss of `quantile`), or an object of your own."""

REGRESSOR_PARAMETERS = """\
delta : float, default=1
    Error up to which ``loss='huber'`` is squared.
quantile : float or list of float, default=0.5
    Quantile, in (0, 1), that ``loss='quantile'`` predicts. With several, in
    increasing order and for one target, `predict` returns a column for each, which
    never cross."""

TRAINING_ATTRIBUTES = """\
history_ : dict of list
    A row for each epoch, or iteration of 'lbfgs': ``pandas.DataFrame(history_)`` is a
    table. Columns: epoch, loss, validation_loss, validation_score, learning_rate (at
    the first step), gradient_norm (at the last step, penalty included, before
    clipping), seconds; NaN where there is nothing to tell.
learning_rates_ : list of float
    Learning rate at the first step of each epoch.
loss_ : float
    Loss of the last epoch, penalty included.
best_loss_ : float or None
    Smallest loss of an epoch; None with `early_stopping`.
loss_curve_ : list of float
    Loss of each epoch (of each iteration of 'lbfgs'): the mean over its batches, each
    taken before the step on it, penalty included.
validation_loss_curve_ : list of float or None
    Loss on the validation set after each epoch, without penalty; None if there was no
    validation set.
validation_scores_ : list of float or None
    Score on the validation set after each epoch, by `scoring`; None if there was none.
best_validation_score_ : float or None
    Largest of `validation_scores_`.
n_iter_ : int
    Epochs, or iterations, of the last call.
t_ : int
    Training rows passed through in all epochs; 0 for 'lbfgs'.
n_features_in_ : int
    Number of features seen during `fit`.
feature_names_in_ : ndarray of shape (`n_features_in_`,)
    Their names; only if all of them were strings.
n_layers_ : int
    Number of weight matrices, and one more for the input.
n_outputs_ : int
    Number of raw scores a row.
out_activation_ : str
    What turns raw scores into predictions: 'softmax', 'logistic', 'identity', 'exp'.
network_ : Network
    Layers and parameters."""

FIT_PARAMETERS = """\
X : {array-like, sparse matrix} of shape (n_samples, n_features)
    Training rows; for estimators of images also images, (n_samples, height, width) or
    (n_samples, height, width, n_channels). Arrays of float32 or float64 in C order, and
    images of uint8, are used as they are, memory maps included; float32 stays float32
    throughout.
y : array-like of shape (n_samples,) or (n_samples, n_outputs)
    Targets.
sample_weight : array-like of shape (n_samples,), default=None
    Weights of the rows; None weighs all the same."""

VALIDATION_PARAMETERS = """\
X_val : {array-like, sparse matrix} of shape (n_val, n_features), default=None
    Validation rows, to be watched by `early_stopping` instead of held-out training
    rows; without `early_stopping` the curves are recorded only. In a `Pipeline`,
    ``Pipeline(..., transform_input=["X_val"])`` transforms them like `X`.
y_val : array-like of shape (n_val,) or (n_val, n_outputs), default=None
    Validation targets.
sample_weight_val : array-like of shape (n_val,), default=None
    Weights of the validation rows."""

PARAGRAPHS = {
    "training_parameters": TRAINING_PARAMETERS,
    "mlp_initialization": MLP_INITIALIZATION,
    "cnn_initialization": CNN_INITIALIZATION,
    "solver_parameters": SOLVER_PARAMETERS,
    "layer_parameters": LAYER_PARAMETERS,
    "descent_parameters": DESCENT_PARAMETERS,
    "cnn_activation": CNN_ACTIVATION,
    "image_parameters": IMAGE_PARAMETERS,
    "sequential_initialization": SEQUENTIAL_INITIALIZATION,
    "mlp_parameters": MLP_PARAMETERS,
    "cnn_parameters": CNN_PARAMETERS,
    "classifier_parameters": CLASSIFIER_PARAMETERS,
    "loss_parameter": LOSS_PARAMETER,
    "regressor_parameters": REGRESSOR_PARAMETERS,
    "mlp_attributes": MLP_ATTRIBUTES,
    "image_attributes": IMAGE_ATTRIBUTES,
    "training_attributes": TRAINING_ATTRIBUTES,
    "fit_parameters": FIT_PARAMETERS,
    "validation_parameters": VALIDATION_PARAMETERS,
}


def fill_in(doc: str) -> str:
    """Replace each line ``%(name)s`` of a docstring by the paragraph of that name."""
    lines = []
    for line in doc.splitlines():
        name = line.strip().removeprefix("%(").removesuffix(")s")
        if line.strip() == f"%({name})s":
            line = indent(PARAGRAPHS[name], line[: len(line) - len(line.lstrip())])
        lines.append(line)
    return "\n".join(lines)


def shared_docs(cls: T) -> T:
    """Class decorator: fill in the docstrings of a class and of its own methods."""
    cls.__doc__ = fill_in(cls.__doc__ or "")
    for member in vars(cls).values():
        function: Callable | None = getattr(member, "method", member)
        if callable(function) and function.__doc__:
            function.__doc__ = fill_in(function.__doc__)
    return cls
