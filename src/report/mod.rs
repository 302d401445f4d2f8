//! One file per format; reads findings and texts, knows nothing else.
