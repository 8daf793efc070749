//! Table and property tests of the settled set.
//! Not here: the machine around it.
