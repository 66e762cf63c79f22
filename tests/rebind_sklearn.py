"""pytest plugin: scikit-learn's own tests of its MLP find sknn's classes instead."""

import sklearn.neural_network

import sknn

sklearn.neural_network.MLPClassifier = sknn.MLPClassifier
sklearn.neural_network.MLPRegressor = sknn.MLPRegressor
