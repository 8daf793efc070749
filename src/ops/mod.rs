//! What an operator does, as functions.
//! Not here: how it is typed or served.
