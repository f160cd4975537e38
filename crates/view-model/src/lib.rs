//! What a frame may show, what a user may ask, and how units are written.
