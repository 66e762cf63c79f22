"""Preprocessing of tables: from columns of any kind to the input of a network."""

from .smooth_clip_scaler import SmoothClipScaler
from .table_encoder import TableEncoder

__all__ = ["SmoothClipScaler", "TableEncoder"]
