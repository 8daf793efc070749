//! The loop: loads what the machine may need, steps it, commits, restores, hands over.
//! Not here: any rule of `machine`, any adapter.
