//! Reading what a client sends, never more than is wanted; and passing over what is not.
//! Not here: what it means.

use crate::web::Limits;
use axum::body::{Body, HttpBody};
use bytes::{Bytes, BytesMut};
use std::pin::Pin;
use tokio::time::timeout;

/// Why there is no body to work on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoBody {
    TooLarge,
    /// The connection broke, or what came is no HTTP.
    Broken,
    TooSlow,
}

/// The whole body. One that is too large is passed over first, so that the client is there to hear it.
pub(super) async fn read(mut body: Body, limits: &Limits) -> Result<Bytes, NoBody> {
    let read = timeout(limits.body_deadline, collect(&mut body, limits.body_bytes)).await;
    let read = read.unwrap_or(Err(NoBody::TooSlow));
    if read == Err(NoBody::TooLarge) {
        pass_over(body, limits).await;
    }
    read
}

/// Reads and forgets, within the limits for what is unwanted.
pub(super) async fn pass_over(mut body: Body, limits: &Limits) {
    let forget = async {
        let mut seen = 0_usize;
        while let Some(Ok(part)) = part(&mut body).await {
            seen = seen.saturating_add(part.len());
            if limits.unwanted_bytes < seen {
                break;
            }
        }
    };
    drop(timeout(limits.unwanted_deadline, forget).await);
}

async fn collect(body: &mut Body, bytes_max: usize) -> Result<Bytes, NoBody> {
    let told = body.size_hint().lower();
    if usize::try_from(told).is_ok_and(|it| bytes_max < it) {
        return Err(NoBody::TooLarge);
    }
    let mut whole = BytesMut::new();
    while let Some(part) = part(body).await {
        let part = part.map_err(|_| NoBody::Broken)?;
        if bytes_max < whole.len().saturating_add(part.len()) {
            return Err(NoBody::TooLarge);
        }
        whole.extend_from_slice(&part);
    }
    Ok(whole.freeze())
}

/// The next piece of data; trailers are empty pieces.
async fn part(body: &mut Body) -> Option<Result<Bytes, axum::Error>> {
    let frame = std::future::poll_fn(|context| Pin::new(&mut *body).poll_frame(context)).await?;
    Some(frame.map(|it| it.into_data().unwrap_or_default()))
}
