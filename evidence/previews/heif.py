"""`pictures.draw` for HEIC, whose codec takes long to load: apart, so that no other picture waits for it."""

import pillow_heif

from evidence.previews.pictures import draw

pillow_heif.register_heif_opener()

__all__ = ["draw"]
