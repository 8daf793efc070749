//! Text -> validated settings; every fault at once, with its line and a hint.
//! Not here: opening files of credentials, any default of a CRM's limits beyond the documented.
