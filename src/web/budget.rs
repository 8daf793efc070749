//! How much of clients' bodies may be in work at once: by bytes, so that many small or few large ones fit.
//! Not here: the size of one body (`body`).

use crate::web::Limits;
use axum::body::HttpBody;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Shares of the whole; a request takes at least one.
const SHARES: usize = 1_000;

#[derive(Clone, Debug)]
pub(super) struct Budget {
    shares: Arc<Semaphore>,
    share_bytes: usize,
    body_bytes: usize,
}

impl Budget {
    pub(super) fn new(limits: &Limits) -> Self {
        let share_bytes = (limits.bodies_bytes / SHARES).max(1);
        Self { shares: Arc::new(Semaphore::new(SHARES)), share_bytes, body_bytes: limits.body_bytes }
    }

    /// Room for this body until the permit is dropped; none if too much is in work. A body that does not tell its
    /// length counts as the largest.
    pub(super) fn room(&self, body: &impl HttpBody) -> Option<OwnedSemaphorePermit> {
        let told = body.size_hint().exact().and_then(|it| usize::try_from(it).ok());
        let bytes = told.unwrap_or(self.body_bytes).min(self.body_bytes);
        let shares = bytes.div_ceil(self.share_bytes).clamp(1, SHARES);
        Arc::clone(&self.shares).try_acquire_many_owned(u32::try_from(shares).ok()?).ok()
    }
}
