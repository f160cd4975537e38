//! The lab does what its plan says, seen from sockets inside it. Needs root; without it each test says so and is done.

#[cfg(test)]
#[cfg(target_os = "linux")]
#[path = "lab/seen_from_inside.rs"]
mod seen_from_inside;
