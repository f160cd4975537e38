//! The sensors against a private D-Bus with services that say what the test wants, and against a real X server.
//! Needs the packages dbus and xvfb; without them a test says that it was not run.
#![cfg(target_os = "linux")]

#[cfg(test)]
mod buses;
#[cfg(test)]
mod fakes;
#[cfg(test)]
mod readings;
#[cfg(test)]
mod run;
#[cfg(test)]
mod screen;
#[cfg(test)]
mod signals;
