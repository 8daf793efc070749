//! The command line: what can be typed and how it is printed.
//! Not here: what is done about it (`ops`).
