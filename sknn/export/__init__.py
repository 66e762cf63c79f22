"""Models that leave: fitted estimators in the formats of other libraries."""
