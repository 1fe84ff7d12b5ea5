"""Gap matrix, progress, claims; reads everything below."""
