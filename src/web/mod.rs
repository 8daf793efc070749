//! The HTTP listener: health, metrics, the API.
//! Not here: what is done about a request (`ops`).
