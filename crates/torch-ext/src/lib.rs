//! The C++ shim for what tch lacks.
