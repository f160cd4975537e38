//! Sound sets, damaged sets and lying manifests.
