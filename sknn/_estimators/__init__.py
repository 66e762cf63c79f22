"""The plumbing of the estimators: from parameters, X and y to a trained network."""
