"""Paragraphs that several docstrings share, and the topics of the parameters."""

from __future__ import annotations

import re
from ast import literal_eval
from collections.abc import Container
from functools import update_wrapper
from inspect import getattr_static, signature
from textwrap import indent
from types import FunctionType
from typing import TypeVar

import numpy as np

T = TypeVar("T", bound=type)

TRAINING_PARAMETERS = """\
solver : str or Solver, default='adam'
    Algorithm that minimizes the loss. On mini-batches: 'sgd' (with momentum),
    'adagrad', 'rmsprop', 'adadelta' (usually with ``learning_rate_init=1`` and
    ``epsilon=1e-6``), 'adam', 'adamw' (adam with decoupled weight decay) and 'nadam'
    (adam with Nesterov's momentum). On all rows at once: 'lbfgs', a quasi-Newton
    method, good for small data sets. Or an object from `sknn.solvers`.
alpha : float, default=0.0001
    Strength of the penalty ``alpha (l1_ratio |W|₁ + ½ (1 - l1_ratio) |W|²)`` on the
    weights, not on the biases. As in scikit-learn, it is divided by the number of rows
    in a batch (by their total weight), so its effect depends on `batch_size`. The
    effect of `weight_decay` does not.
batch_size : int or 'auto', default='auto'
    Number of rows in a mini-batch; 'auto' is ``min(200, n_samples)``. Not used by
    'lbfgs'.
learning_rate : str or Schedule, default='constant'
    Schedule of the learning rate. Not used by 'lbfgs'. The schedules listed after
    'adaptive' are planned for `max_iter` epochs.

    - 'constant': always `learning_rate_init`.
    - 'invscaling': ``learning_rate_init / (t + 1) ** power_t`` after t training rows.
    - 'adaptive': divided by 5 each time the loss (with `early_stopping`, the
      validation score) has not improved by `tol` for `n_iter_no_change` epochs.
    - 'step': divided by 10 after half and after three quarters of the epochs.
    - 'exponential': multiplied by the same factor each epoch, down to a hundredth.
    - 'linear', 'cosine': decrease to 0 along a line, or along half a cosine wave.
    - 'flat_cosine': constant for half of the epochs, then as 'cosine'.
    - 'coslog': four waves, each longer than the last, between 0 and
      `learning_rate_init`.
    - 'inverse_sqrt': divided by ``sqrt(1 + 10 u)`` after a fraction u of the epochs,
      by 3.3 at the end.
    - 'one_cycle': increases to `learning_rate_init`, then decreases.

    Or an object from `sknn.schedules`, such as ``Cosine(warmup=5, final=0.01)``, whose
    parameters a search can set as ``learning_rate__warmup``. As in scikit-learn,
    ``solver='adam'`` ignores the names 'invscaling' and 'adaptive'; it does use the
    objects ``InvScaling()`` and ``Adaptive()``.
learning_rate_init : float, default=0.001
    Initial learning rate, which the schedule multiplies. Not used by 'lbfgs'.
power_t : float, default=0.5
    Exponent used by ``learning_rate='invscaling'``.
max_iter : int, default=200
    Maximum number of epochs (passes over the training rows), or of iterations of
    'lbfgs'.
shuffle : bool, default=True
    Whether to shuffle the rows in each epoch. Not used by 'lbfgs'.
random_state : int, RandomState instance or None, default=None
    Determines the initial weights, the rows held out by `early_stopping`, the order of
    the rows, the masks of dropout and the proportions of mixup.
    {augmentation} It determines the transformations of `augmentation`, too.
    Pass an int for the same result on each call. A splitter passed as
    `validation_fraction` has its own `random_state`.
tol : float, default=1e-4
    Smallest change of the loss or score that counts as an improvement; for 'lbfgs', the
    optimization stops when no element of the gradient is larger.
verbose : bool or int, default=False
    Whether to print the loss, and the validation score if there is one, after each
    epoch. 2 prints a table of the columns of `history_` that have values.
warm_start : bool, default=False
    Whether `fit` starts from the weights of the previous call instead of new ones. The
    state of the solver is reset; `partial_fit` keeps it.
momentum : float, default=0.9
    Momentum, in [0, 1]. Only used with ``solver='sgd'``.
nesterovs_momentum : bool, default=True
    Whether to use Nesterov's momentum. Only used with ``solver='sgd'``.
early_stopping : bool, default=False
    Whether to stop when the score on a validation set has not improved by `tol` for
    `n_iter_no_change` epochs, and to restore the weights with the best score. The
    validation set is the one passed to `fit`, or `validation_fraction` of the training
    rows.
    {class_weight} With two classes, the rows held out are stratified.
    Unlike in scikit-learn, this works with ``solver='lbfgs'`` as well. If False,
    training stops when the training loss no longer improves.
validation_fraction : float or splitter, default=0.1
    Proportion of the training rows that `early_stopping` holds out, at least two rows;
    or a scikit-learn splitter, such as `PredefinedSplit`, whose first split is used.
    Not used when `X_val` and `y_val` are passed to `fit`. With 0 they must be passed,
    and `partial_fit` can be used with `early_stopping`.
beta_1 : float, default=0.9
    Exponential decay rate of the mean gradient, in [0, 1). Only used by 'adam', 'adamw'
    and 'nadam'.
beta_2 : float, default=0.999
    Exponential decay rate of the mean squared gradient, in [0, 1). Only used by 'adam',
    'adamw' and 'nadam'.
epsilon : float, default=1e-8
    Added to denominators for numerical stability. Used by all solvers except 'sgd' and
    'lbfgs'.
n_iter_no_change : int or np.inf, default=10
    Maximum number of epochs without an improvement of `tol`.
max_fun : int, default=15000
    Maximum number of evaluations of the loss. Only used with ``solver='lbfgs'``.
scoring : str, callable or None, default=None
    Score that `early_stopping` monitors: 'loss' (the negative validation loss), the
    name of a scikit-learn scorer, a callable ``scorer(estimator, X, y)``, or None for
    the estimator's `score`.
    {clip} With quantiles or with ``loss='gaussian'``, None means 'loss'.
    {class_weight} 'neg_calibrated_loss' is the negative validation loss after the raw
    {class_weight} scores are divided by the best temperature. It measures how well the
    {class_weight} scores separate the classes, even if the probabilities are not
    {class_weight} calibrated.
    A scorer receives a copy of the validation rows as an array, and the weights of the
    rows if it accepts `sample_weight`."""

MLP_INITIALIZATION = """\
initializer : str, Initializer or one for each weight matrix, default='glorot_uniform'
    Distribution of the initial weights: 'zeros', 'constant', 'normal',
    'glorot_uniform', 'glorot_normal', 'he_uniform', 'he_normal', 'lecun_uniform',
    'lecun_normal', 'orthogonal', or 'auto', which chooses by the activation: He for the
    relu family, LeCun for selu, Glorot for the others and the output. Or an object from
    `sknn.initializers`. Biases are initialized to 0, except with 'glorot_uniform',
    where they are drawn like the weights, as in scikit-learn.
init_scale : float, default=0.01
    Standard deviation of ``initializer='normal'``, value of 'constant'."""

CNN_INITIALIZATION = MLP_INITIALIZATION.replace(
    "default='glorot_uniform'", "default='auto'"
)

SOLVER_PARAMETERS = """\
rho : float, default=0.9
    Decay rate of the mean squared gradient, in [0, 1). Only used by 'rmsprop' and
    'adadelta'.
weight_decay : float, default=0.01
    Decoupled weight decay: each step multiplies the weights by
    ``1 - learning_rate * weight_decay``. Only used with ``solver='adamw'``."""

LAYER_PARAMETERS = """\
dropout : float or list of float, default=0
    Probability, in [0, 1), of dropping a hidden unit in a training step: one for all
    hidden layers or one for each.
    {conv_channels} A single rate applies to the dense layers only; a list has one rate
    {conv_channels} for each block and dense layer.
input_dropout : float, default=0
    Probability of dropping an input feature.
dropconnect : float, default=0
    Probability of dropping a weight in a training step.
normalization : {'batch', 'layer'}, Layer or None, default=None
    Normalization between a hidden layer and its activation: batch normalization (over
    the rows of the batch, with running averages at prediction time), layer
    normalization (over the units of a row), or none. In a residual block, only the
    first layer is normalized.
    {conv_channels} Convolutions are normalized as well; their units are the channels.
residual : bool, default=False
    Whether each pair of hidden layers forms a residual block: the input of the block is
    added before its last activation, through a projection if the widths differ. The
    last weights of a block are initialized to 0.
    {conv_channels} Each convolution becomes a residual block with a second one. This
    {conv_channels} needs ``stride=1`` and ``padding='same'``."""

DESCENT_PARAMETERS = """\
l1_ratio : float, default=0
    Proportion of the L1 norm in the penalty `alpha`, in [0, 1].
max_grad_norm : float or None, default=None
    Maximum Euclidean norm of the gradient, penalty included. Gradients with a larger
    norm are scaled down to it. Not used by 'lbfgs'.
max_grad_value : float or None, default=None
    Maximum absolute value of each element of the gradient, applied before
    `max_grad_norm`. Not used by 'lbfgs'.
mixup : float, default=0
    If > 0, training mixes pairs of rows of a batch in proportions drawn from
    ``Beta(mixup, mixup)``; 0.2 is usual. The training loss is that of the mixed rows.
restore_best : bool, 'latest' or int, default=True
    Whether `early_stopping` restores the weights with the best score or keeps the last
    ones. If several epochs have the best score, True restores the first of them and
    'latest' the last. A number k > 1 restores the mean of the weights of the k best
    epochs (of equal ones, the later). If the mean scores worse than these epochs do on
    average, k is halved, and so on. The mean is often more accurate and depends less on
    chance if few rows are held out.
refit_on_all : bool or 'auto', default=False
    Whether `early_stopping`, after finding the best epoch on the held-out rows, trains
    again on all rows for that number of epochs. Then `history_` and the curves describe
    the first run, `n_iter_` and `loss_` describe the second, and `t_` counts the rows
    of both. 'auto' means True
    unless `X_val` and `y_val` are passed to `fit`, `warm_start` is True or
    `restore_best` is False.
init_from : estimator, FrozenEstimator, path or None, default=None
    Source of the initial weights: a fitted sknn estimator (in a
    `sklearn.frozen.FrozenEstimator`, so that `clone`, and with it every search, keeps
    it fitted), or a file written by ``numpy.savez(path, *fitted.get_weights())``.
    Layers are matched by position.
    {class_weight} The output layer is new if the classes differ.
    {n_members} The encoding of the columns is taken over as well.
freeze : int, str, list of str or None, default=None
    Layers whose parameters are not trained: the first layers with weights (their
    number), or layers by the names that `summary` shows.
    {input_shape} 'conv' means all convolutions with their normalization.
    Layers before the first trained one need no backward pass. Running
    averages of batch normalization do not change either. Dropout between frozen layers
    is still applied.
head_learning_rate : float or None, default=None
    Initial learning rate of the output layer, if it differs from `learning_rate_init`;
    the schedule is the same. Not used by 'lbfgs'.
layer_learning_rates : dict of str to float, default=None
    Factors of the learning rate of single layers, by their names in `summary`
    (``{"dense1": 0.1}``), of one array of a layer (``{"dense1.b": 0.1}``), or of the
    arrays of one name in all layers (``{"*.b": 0.1}``, all biases). The factors of a
    layer and of an array in it are multiplied. Not used by 'lbfgs'.
dropout_schedule : str or Schedule, default='constant'
    Factor of the rates of dropout and DropConnect during training: any schedule of
    `learning_rate` except 'invscaling' and 'adaptive'. 'flat_cosine' lets the rates
    decrease to 0 in the second half.
weight_decay_schedule : str or Schedule, default='constant'
    Factor of `weight_decay` during training, in addition to the schedule of the
    learning rate.
drop_last : bool, default=False
    Whether to leave out the last batch of an epoch if it has fewer rows than
    `batch_size`. Not used by 'lbfgs'.
max_time : float or None, default=None
    Maximum time of training in seconds. Training stops before an epoch, or an iteration
    of 'lbfgs', that would exceed it by taking as long as the last one. At least one
    epoch is trained, and schedules are still planned for `max_iter` epochs. Results
    then depend on the speed of the machine. Not used by `partial_fit`."""

MLP_PARAMETERS = """\
hidden_layer_sizes : int or array-like of int, default=(100,)
    Number of units in each hidden layer; ``()`` is a linear model.
activation : str, ActivationFunction, Layer or list of these, default='relu'
    Activation function of the hidden layers, one for all or one for each:
    'identity', 'logistic', 'tanh', 'relu', 'leaky_relu', 'prelu' (with a learned slope
    for each unit), 'elu', 'selu', 'gelu', 'silu', 'mish', 'softplus', or an object from
    `sknn.activations`."""

CNN_PARAMETERS = """\
conv_channels : int or array-like of int, default=(32, 64)
    Number of channels of the convolution in each block. A block consists of
    convolution, normalization (if any), activation and pooling.
kernel_size : int, (int, int) or list of these, default=3
    Height and width of the kernels. A list or tuple has one entry for each block; write
    kernels that are not square as ``[(5, 3), (3, 3)]``.
stride : int, (int, int) or list of these, default=1
    Stride of the kernels.
padding : {'same', 'valid'}, int, (int, int) or list of these, default='same'
    Zero padding around the images: 'same' keeps their size, 'valid' adds none, numbers
    are the pixels added on each side. A list or tuple has one entry for each block.
pooling : {'max', 'avg'}, None or list of these, default='max'
    Pooling after each block: maximum, average or none.
pool_size : int, (int, int) or list of these, default=2
    Height and width of the pooling windows, which do not overlap.
hidden_layer_sizes : int or array-like of int, default=(128,)
    Number of units in each dense hidden layer after the blocks."""

CNN_ACTIVATION = """\
activation : str, ActivationFunction, Layer or list of these, default='relu'
    Activation function, one for all or one for each block and hidden layer:
    'identity', 'logistic', 'tanh', 'relu', 'leaky_relu', 'prelu'
    (with a learned slope for each channel or unit), 'elu', 'selu', 'gelu', 'silu',
    'mish', 'softplus', or an object from `sknn.activations`."""

IMAGE_PARAMETERS = """\
input_shape : tuple or None, default=None
    Height, width and channels (1 if omitted) of the images in the rows of `X`. If None,
    the shape of `X` is used if it is (n, H, W) or (n, H, W, C). Rows of numbers are
    interpreted as square grayscale images, or else, with a warning, as square RGB
    images or as strips one pixel high.
    {layers} They are only interpreted as images if one of the `layers` needs images.
    {conv_channels} Kernels and pooling windows that are larger than such an image are
    {conv_channels} reduced, also with a warning.
augmentation : Augmentation, list of Augmentation or None, default=None
    Objects from `sknn.augmentation` that transform the images of training batches at
    random, such as ``[RandomFlip(), RandomShift(0.1)]``."""

SEQUENTIAL_INITIALIZATION = """\
initializer : str or Initializer, default='auto'
    Distribution of the initial weights of layers without their own initializer:
    'zeros', 'constant', 'normal', 'glorot_uniform', 'glorot_normal', 'he_uniform',
    'he_normal', 'lecun_uniform', 'lecun_normal', 'orthogonal', or 'auto', which
    chooses by the activation after the layer. The last weights of residual blocks are
    initialized to 0.
init_scale : float, default=0.01
    Standard deviation of ``initializer='normal'``, value of 'constant'."""

MLP_ATTRIBUTES = """\
coefs_ : list of ndarray of shape (fan_in, fan_out)
    Weight matrices, one per layer; views into the network.
intercepts_ : list of ndarray of shape (fan_out,)
    Bias vectors, one per layer; views into the network."""

IMAGE_ATTRIBUTES = """\
input_shape_ : tuple of int or None
    Height, width and channels of the images; None if the input is not images."""

CLASSIFIER_PARAMETERS = """\
class_weight : dict, list of dict, 'balanced' or None, default=None
    Weight of each class, ``{class: weight}``. 'balanced' gives all classes the same
    total weight: ``n_samples / (n_classes * count)`` per row, where rows are counted
    with their `sample_weight`. For multilabel targets, a list with one dict per label.
    Multiplies `sample_weight`, in training and in the validation loss and score.
loss : 'log_loss' or Loss, default='log_loss'
    Loss to minimize: the cross-entropy, or a custom `sknn.losses.Loss`.
label_smoothing : float, default=0
    Proportion, in [0, 1), of each target that is spread evenly over all classes in
    training. The validation loss is computed without it."""

LOSS_PARAMETER = """\
loss : str or Loss, default='squared_error'
    Loss to minimize: 'squared_error' (half the squared error), 'absolute_error',
    'huber' (squared up to `delta`, linear beyond), 'poisson' (half the deviance, for
    counts and rates ``y >= 0``; the network models the logarithm), 'quantile' (the
    pinball loss of `quantile`), 'gaussian' (the negative log-likelihood of a mean and a
    standard deviation, which ``predict(X, return_std=True)`` returns), or a custom
    `sknn.losses.Loss`."""

REGRESSOR_PARAMETERS = """\
delta : float, default=1
    Absolute error up to which ``loss='huber'`` is quadratic.
quantile : float or list of float, default=0.5
    Quantile, in (0, 1), that ``loss='quantile'`` predicts. With several quantiles, in
    increasing order and for one target, `predict` returns one column for each; the
    predicted quantiles never cross. Other losses ignore it, with a warning if it is not
    the default."""

TRAINING_ATTRIBUTES = """\
history_ : dict of list
    Values of each epoch, or iteration of 'lbfgs', as columns;
    ``pandas.DataFrame(history_)`` makes a table. Columns: epoch, loss, validation_loss,
    validation_score, learning_rate (at the first step), gradient_norm (at the last
    step, penalty included, before clipping), seconds; NaN where a value does not apply.
learning_rates_ : list of float
    Learning rate at the first step of each epoch.
loss_ : float
    Loss of the last epoch, penalty included.
best_loss_ : float or None
    Smallest loss of an epoch; None with `early_stopping`.
loss_curve_ : list of float
    Loss of each epoch (of each iteration of 'lbfgs'), penalty included: the mean over
    its batches, each computed before the step on that batch.
validation_loss_curve_ : list of float or None
    Loss on the validation set after each epoch, without penalty; None if there was no
    validation set.
validation_scores_ : list of float or None
    Score on the validation set after each epoch, by `scoring`; None if there was no
    validation set.
best_validation_score_ : float or None
    Largest of `validation_scores_`, that of a single epoch.
best_epoch_ : int or None
    Epoch of the last call, counted from 1, with the best validation score; None if
    there was no validation set, or no score better than that of an earlier call. After
    `partial_fit` it is the best one of all calls, as numbered in `history_`.
averaged_epochs_ : list of int
    Epochs of the last call whose weights were averaged, by `restore_best`; 0 stands for
    the weights of an earlier call. Empty if the weights are those of one epoch.
converged_ : bool
    Whether the last call ended because the training loss (with `early_stopping`, the
    validation score) had not improved by `tol` in more than `n_iter_no_change` epochs.
    A loop over `partial_fit` can stop then.
n_iter_ : int
    Number of epochs, or iterations, of the last call.
t_ : int
    Number of training rows processed in all epochs; 0 for 'lbfgs'.
n_features_in_ : int
    Number of features seen during `fit`.
feature_names_in_ : ndarray of shape (`n_features_in_`,)
    Names of the features, if all of them are strings.
n_layers_ : int
    Number of weight matrices, plus one for the input.
n_outputs_ : int
    Number of raw scores per row.
out_activation_ : str
    Function from raw scores to predictions:
    {class_weight} 'softmax', or 'logistic' for two classes or several labels.
    {quantile} 'identity', 'exp', or 'gaussian' (a mean and a standard deviation).
network_ : Network
    Layers and parameters."""

ROWS = """\
{no bagging} X : {array-like, sparse matrix} of shape (n_samples, n_features)
{no bagging}     The input data.
{input_shape}     Images can also have the shapes that `fit` accepts.
{bagging} X : data frame or array-like of shape (n_samples, n_features)
{bagging}     A table with the columns of the training table."""

FIT_PARAMETERS = """\
{no bagging} X : {array-like, sparse matrix} of shape (n_samples, n_features)
{no bagging}     Training rows.
{input_shape}     Images can also be (n_samples, height, width) or (n_samples, height,
{input_shape}     width, n_channels), and images of uint8 are used without a copy.
{no bagging}     Arrays of float32 or float64 in C order are used without a copy, memory
{no bagging}     maps included. float32 is kept throughout.
{bagging} X : data frame or array-like of shape (n_samples, n_features)
{bagging}     Training table, with columns of any kind. Sparse matrices are refused.
y : array-like of shape (n_samples,) or (n_samples, n_outputs)
    Targets.
sample_weight : array-like of shape (n_samples,), default=None
    Weights of the rows; None gives every row weight 1."""

VALIDATION_PARAMETERS = """\
{no bagging} X_val : {array-like, sparse matrix} of shape (n_val, n_features), \
default=None
{bagging} X_val : data frame or array-like of shape (n_val, n_features), default=None
    Validation rows, which `early_stopping` uses instead of held-out training rows;
    without `early_stopping`, the curves are recorded only. In a `Pipeline`,
    ``Pipeline(..., transform_input=["X_val"])`` transforms them like `X`.
y_val : array-like of shape (n_val,) or (n_val, n_outputs), default=None
    Validation targets.
sample_weight_val : array-like of shape (n_val,), default=None
    Weights of the validation rows."""

PARTIAL_FIT_STOPPING = """\
With ``early_stopping=True`` and ``validation_fraction=0``, each call that receives
`X_val` and `y_val`, the same rows in all calls, scores the network at its end. The
estimator then predicts with the best weights of all these calls, while training
continues from the latest ones, and `converged_` is True when the score has not improved
by `tol` in more than `n_iter_no_change` such calls. A call without `X_val` only
trains."""

TABULAR_PARAMETERS = """\
categorical_features : 'from_dtype', array-like or None, default='from_dtype'
    Columns to treat as categorical. 'from_dtype': columns of categories, text or
    booleans, and columns of Python objects that are not all numbers. An array: names,
    indices or a mask of the columns. None: no column. An array replaces 'from_dtype',
    and so does None: all other columns must hold numbers, whatever their type. Booleans
    count as 0 and 1, text and categories such as "12.5" as numbers; other text is an
    error. See `sknn.preprocessing.TableEncoder`.
max_one_hot : int, default=9
    Maximum number of categories of a column that is one-hot encoded. The categories of
    a column with more have learned embeddings.
embedding_size : int, default=8
    Length of the learned embeddings of categories.
numerical_embedding : {'periodic', 'piecewise_linear'}, Layer or None, \
default='periodic'
    Embedding of each column of numbers: a name, or a
    `sknn.layers.PeriodicEmbedding` or `sknn.layers.PiecewiseLinearEmbedding`.
n_members : int, default=4
    Number of networks whose predictions (for classes, probabilities) are averaged. They
    are trained in parallel threads. The history is that of the first. A single network
    takes a quarter of the time of four and is less accurate.
bagging : bool, default=True
    Whether each member holds out different rows, so that the ensemble is trained on all
    rows. The rows are divided into ``2 / validation_fraction`` blocks. Each member
    holds out two of them, one shared with the previous member and one with the next. If
    their number is not close to an integer above 2, or a class has fewer rows than
    there are blocks, each member draws its rows independently. Not used with `X_val`
    and `y_val`, or with a splitter as `validation_fraction`: then all members hold out
    the same rows.
hidden_layer_sizes : int or array-like of int, default=(256, 256, 256)
    Number of units in each hidden layer.
activation : str or ActivationFunction, default='auto'
    Function of the `sknn.layers.ParametricActivation` of hidden layers: a name or an
    object from `sknn.activations`.
    {calibrate} 'auto' is 'selu'.
    {clip} 'auto' is 'mish'.
dropout : float or list of float, default=0.15
    Probability, in [0, 1), of dropping a hidden unit in a training step: one for all
    hidden layers or one for each."""

PARAMETER_GROUPS = (
    (
        "Architecture",
        "guide/deep_networks",
        "layers hidden_layer_sizes activation normalization residual",
    ),
    (
        "Convolutions and images",
        "guide/images",
        "conv_channels kernel_size stride padding pooling pool_size input_shape "
        "augmentation",
    ),
    (
        "Columns of tables",
        "guide/tables",
        "categorical_features max_one_hot embedding_size numerical_embedding",
    ),
    ("Ensemble and predictions", "guide/tables", "n_members bagging calibrate clip"),
    ("Initial weights", "guide/initialization", "initializer init_scale"),
    ("Loss", "guide/losses", "loss delta quantile class_weight label_smoothing"),
    (
        "Solver",
        "guide/solvers",
        "solver batch_size max_iter shuffle drop_last momentum nesterovs_momentum "
        "beta_1 beta_2 rho epsilon max_fun max_grad_norm max_grad_value",
    ),
    (
        "Learning rate",
        "guide/schedules",
        "learning_rate learning_rate_init power_t head_learning_rate "
        "layer_learning_rates",
    ),
    (
        "Regularization",
        "guide/regularization",
        "alpha l1_ratio weight_decay weight_decay_schedule dropout input_dropout "
        "dropconnect dropout_schedule mixup",
    ),
    (
        "Stopping",
        "guide/stopping",
        "early_stopping validation_fraction scoring n_iter_no_change tol max_time "
        "restore_best refit_on_all",
    ),
    ("Transfer learning", "guide/transfer", "init_from freeze"),
    (
        "Repeated calls and output",
        "guide/reproducibility",
        "random_state warm_start verbose",
    ),
)
"""The parameters by topic: a heading, a page of the user guide, the names.

The class pages of the documentation show them in these groups.
"""

PARAGRAPHS = {
    "tabular_parameters": TABULAR_PARAMETERS,
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
    "rows": ROWS,
    "fit_parameters": FIT_PARAMETERS,
    "validation_parameters": VALIDATION_PARAMETERS,
    "partial_fit_stopping": PARTIAL_FIT_STOPPING,
}


def fill_in(doc: str, parameters: Container[str]) -> str:
    """Replace each line ``%(name)s`` of a docstring by the paragraph of that name.

    Then leave out the lines that are about other estimators than the documented one,
    which has these `parameters`.
    """
    lines = []
    for line in doc.splitlines():
        name = line.strip().removeprefix("%(").removesuffix(")s")
        if line.strip() == f"%({name})s":
            line = indent(PARAGRAPHS[name], line[: len(line) - len(line.lstrip())])
        lines.append(line)
    return own_lines("\n".join(lines), parameters)


def own_lines(text: str, parameters: Container[str]) -> str:
    r"""Return a text without the lines that are about other estimators.

    A line that begins with ``{clip}`` is about those with a parameter `clip`, one that
    begins with ``{no clip}`` about those without it.

    Examples
    --------
    >>> text = "score : float\n    {clip} Of clipped predictions.\n    In [0, 1]."
    >>> print(own_lines(text, ["clip"]))
    score : float
        Of clipped predictions.
        In [0, 1].
    >>> print(own_lines(text, ["calibrate"]))
    score : float
        In [0, 1].
    """
    lines = []
    for line in text.splitlines():
        mark = MARK.match(line)
        if mark is None:
            lines.append(line)
        elif (mark[3] in parameters) != bool(mark[2]):
            lines.append(mark[1] + line[mark.end() :])
    return "\n".join(lines)


MARK = re.compile(r"( *)\{(no )?(\w+)\} ")
"""The start of a line about some estimators: the indentation, and a parameter that they
have or do not have."""


AUTO_BATCH_SIZE = "``min(200, n_samples)``"
"""What the shared paragraphs say of ``batch_size='auto'``."""


def own_defaults(cls: type, doc: str) -> str:
    """Put the defaults of the constructor where shared paragraphs have others."""
    doc = doc.replace(
        AUTO_BATCH_SIZE, getattr(cls, "_AUTO_BATCH_SIZE", AUTO_BATCH_SIZE)
    )
    if "__init__" not in vars(cls):
        return doc
    for name, parameter in signature(cls).parameters.items():
        line = re.compile(rf"^( *{name} : .*default=)(.+)$", re.MULTILINE)
        found, default = line.search(doc), parameter.default
        if found and found[2] != "np.inf" and literal_eval(found[2]) != default:
            text = "np.inf" if default == np.inf else repr(default)
            doc = line.sub(rf"\g<1>{text}", doc, count=1)
    return doc


def shared_docs(cls: T) -> T:
    """Fill in the docstrings of an estimator and of its methods.

    An inherited method that needs it is copied: the docstring of each estimator is
    about this estimator only.
    """
    parameters = signature(cls).parameters
    cls.__doc__ = own_defaults(cls, fill_in(cls.__doc__ or "", parameters))
    for name in dir(cls):
        member = getattr_static(cls, name)
        function = getattr(member, "method", member)
        if name.startswith("_") or not isinstance(function, FunctionType):
            continue
        doc = fill_in(function.__doc__ or "", parameters)
        if doc != (function.__doc__ or ""):
            method = with_docstring(function, doc)
            setattr(cls, name, method if member is function else type(member)(method))
    return cls


def with_docstring(function: FunctionType, doc: str) -> FunctionType:
    """Return a copy of a function, with another docstring."""
    copy = FunctionType(
        function.__code__,
        function.__globals__,
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )
    copy.__kwdefaults__ = function.__kwdefaults__
    update_wrapper(copy, function)
    vars(copy).pop("__wrapped__")
    vars(copy).update(vars(function))  # has its own __wrapped__ if it is a wrapper
    copy.__doc__ = doc
    return copy
