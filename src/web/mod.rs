//! The HTTP listener: health, metrics, status, and the door for jobs (DESIGN §3.6; docs/http.md).
//! Not here: what is done about a request (`ops`); the console.

mod answer;
mod body;
mod budget;
mod connection;
mod gate;
mod health;
mod jobs;
mod limits;
mod listen;
mod operate;
#[cfg(test)]
mod tests;

pub use limits::Limits;
pub use listen::{Bound, Faces, WebFault, bind};
