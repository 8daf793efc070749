//! Table tests of batches.
//! Not here: the machine around them.
