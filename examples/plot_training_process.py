"""
The training process: gradient descent step by step
===================================================

Training changes the weights of a network in small steps along the negative gradient of
the loss. This example shows gradient descent with one parameter, and then how the
predictions of a network change from epoch to epoch.
"""

# %%
# One parameter
# -------------
# The loss is a parabola with its minimum at 2, and its derivative is ``θ - 2``. Each
# step moves the parameter by the learning rate times the negative derivative. With a
# small learning rate, ten steps do not reach the minimum. With a rate of 0.5 they do.
# With a rate of 1.9 each step jumps to the other side of the minimum, and with a rate
# above 2 the loss would grow.

import matplotlib.pyplot as plt
import numpy as np

from sknn import MLPRegressor

theta = np.linspace(-1, 5, 200)
fig, axes = plt.subplots(
    1, 3, figsize=(9, 3.2), sharex=True, sharey=True, layout="constrained"
)
for ax, rate in zip(axes, [0.05, 0.5, 1.9], strict=True):
    path = [-0.8]
    for _ in range(10):
        path.append(path[-1] - rate * (path[-1] - 2))
    path = np.array(path)
    ax.plot(theta, (theta - 2) ** 2 / 2, color="#8C8C8C", linewidth=2)
    ax.plot(path, (path - 2) ** 2 / 2, "o-", color="#0072B2", markersize=5)
    ax.set(title=f"learning rate {rate}", xlabel="Parameter θ")
axes[0].set_ylabel("Loss")
fig.suptitle("Gradient descent on a parabola")
plt.show()

# %%
# A network
# ---------
# A network learns a curve from 200 points. ``partial_fit`` trains for one
# epoch in each call. At first the prediction is almost a straight line. It then
# follows the curve more and more closely, while the loss decreases.

rng = np.random.RandomState(0)
x = np.sort(rng.uniform(-3, 3, 200))
y = np.sin(2 * x) + 0.2 * rng.normal(size=200)
X, x_grid = x[:, np.newaxis], np.linspace(-3, 3, 300)

reg = MLPRegressor(
    hidden_layer_sizes=(50,),
    activation="tanh",
    batch_size=20,
    learning_rate_init=0.01,
    random_state=0,
)
losses = []
fig, axes = plt.subplots(
    1, 4, figsize=(9, 3), sharex=True, sharey=True, layout="constrained"
)
for ax, n_epochs in zip(axes, [1, 10, 50, 300], strict=True):
    while len(losses) < n_epochs:
        reg.partial_fit(X, y)  # one epoch
        losses.append(reg.loss_)
    ax.plot(x, y, ".", color="#8C8C8C", markersize=4)
    ax.plot(x_grid, reg.predict(x_grid[:, np.newaxis]), color="#D55E00", linewidth=2.5)
    ax.set(title=f"epoch {n_epochs}\nloss {losses[-1]:.3f}", xlabel="x")
axes[0].set_ylabel("y")
fig.suptitle("Predictions of a network during training")
plt.show()

# %%
# The loss of each epoch is the learning curve:

fig, ax = plt.subplots(figsize=(6, 3.4), layout="constrained")
ax.plot(np.arange(1, len(losses) + 1), losses, color="#0072B2")
ax.set(title="Learning curve", xlabel="Epoch", ylabel="Training loss", yscale="log")
plt.show()

# %%
# See `The training process <https://sknn.github.io/sknn/stable/guide/training.html>`_
# in the user guide for the terms and the formulas.
