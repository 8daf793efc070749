//! Wiring: settings become adapters, adapters an engine, and the engine gets its faces.
//! Not here: any decision. The only module that knows every adapter.

mod clock;
mod instance;
mod life;
mod tuning;

pub use clock::Clock;
