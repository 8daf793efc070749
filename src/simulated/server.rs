//! The HTTP server of a pretend CRM: who calls, and hands over to their account.
//! Not here: the CRM's rules (`pretend`), steering (`control`).

use std::{io, marker::PhantomData, net::SocketAddr, time::Duration};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, Response},
};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

use super::{
    accounts::Accounts,
    control,
    line::{Grip, Lines},
    pretend::{Pretend, TurnedAway},
};

/// A request body beyond this is refused with 413.
const BODY_MAX: usize = 16 * 1024 * 1024;
/// How long `stop` waits for calls in progress.
const STOP_WITHIN: Duration = Duration::from_secs(1);

/// Starts pretend CRMs.
pub struct Server<P>(PhantomData<P>);

/// A running pretend CRM. Dropping it stops the server: no new connections, idle ones close.
pub struct Running<P: Pretend> {
    pub address: SocketAddr,
    /// Steers and questions it.
    pub accounts: Accounts<P>,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl<P: Pretend> Server<P> {
    /// Serves on `bind` (port 0: any free one); every access token has an account with these settings.
    ///
    /// # Errors
    /// The address cannot be bound.
    pub async fn start(bind: SocketAddr, settings: P::Settings) -> io::Result<Running<P>> {
        let accounts = Accounts::new();
        accounts.open_by_prefix("", settings);
        Self::start_with(bind, accounts).await
    }

    /// Serves these accounts and no other; also to go on with the accounts of a server that was stopped.
    ///
    /// # Errors
    /// The address cannot be bound.
    pub async fn start_with(bind: SocketAddr, accounts: Accounts<P>) -> io::Result<Running<P>> {
        let listener = TcpListener::bind(bind).await?;
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel();
        let service = Router::new()
            .fallback(serve::<P>)
            .with_state(accounts.clone())
            .into_make_service_with_connect_info::<Grip>();
        let task = tokio::spawn(async move {
            let until = async move {
                if stopped.await.is_err() {
                    tracing::debug!(crm = P::NAME, "a pretend crm takes no more connections");
                }
            };
            if let Err(error) = axum::serve(Lines(listener), service).with_graceful_shutdown(until).await {
                tracing::error!(%error, crm = P::NAME, "a pretend crm stopped");
            }
        });
        Ok(Running { address, accounts, stop: Some(stop), task })
    }
}

impl<P: Pretend> Running<P> {
    /// The base URL: `http://127.0.0.1:4711`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Stops it: calls in progress have a second to end. From then on connections to its address are refused.
    pub async fn stop(mut self) {
        drop(self.stop.take());
        if tokio::time::timeout(STOP_WITHIN, &mut self.task).await.is_err() {
            self.task.abort();
        }
    }
}

/// What [`serve_blocking`] serves.
pub struct Serve<P: Pretend> {
    pub listen: SocketAddr,
    /// Access tokens begin with this; empty: any.
    pub prefix: String,
    pub settings: P::Settings,
    /// Threads that serve calls, at least 1.
    pub threads: usize,
}

/// Serves in a process of its own until SIGINT or SIGTERM; `ready` is told the address. Blocks: called from the
/// hidden commands `pretend-…`, never from within a tokio runtime.
///
/// # Errors
/// The runtime cannot start, the address cannot be bound, or signals cannot be listened for.
pub fn serve_blocking<P: Pretend>(serve: Serve<P>, ready: impl FnOnce(SocketAddr)) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(serve.threads.max(1))
        .thread_name(format!("pretend-{}", P::NAME))
        .enable_all()
        .build()?;
    runtime.block_on(async move {
        let told_to_stop = listen_for_stop()?;
        let accounts = Accounts::<P>::new();
        accounts.open_by_prefix(&serve.prefix, serve.settings);
        let running = Server::start_with(serve.listen, accounts).await?;
        tracing::info!(address = %running.address, crm = P::NAME, "pretend crm listening");
        ready(running.address);
        told_to_stop.await;
        tracing::info!(crm = P::NAME, "pretend crm stopping");
        running.stop().await;
        Ok(())
    })
}

/// Listens for signals from now on, so that none between `ready` and the wait is missed.
#[cfg(unix)]
fn listen_for_stop() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn listen_for_stop() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        if let Err(error) = tokio::signal::ctrl_c().await {
            tracing::warn!(%error, "no signal can stop this pretend crm");
            std::future::pending::<()>().await;
        }
    })
}

async fn serve<P: Pretend>(
    State(accounts): State<Accounts<P>>,
    ConnectInfo(grip): ConnectInfo<Grip>,
    request: Request,
) -> Response<Body> {
    grip.release();
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, BODY_MAX).await else {
        return turn_away::<P>(TurnedAway::TooLarge);
    };
    if parts.uri.path().starts_with(control::PREFIX) {
        let place = (parts.uri.path(), parts.uri.query().unwrap_or_default());
        return control::answer(&accounts, &parts.method, place, &body);
    }
    if let Some(answer) = P::sign_in(&accounts, &parts, &body) {
        return answer.into_response(HeaderMap::new());
    }
    let access_token = P::access_token(&parts.headers);
    let Some(account) = accounts.admit(access_token.filter(|token| !token.is_empty())) else {
        return turn_away::<P>(TurnedAway::Stranger);
    };
    let call = P::read(&parts, &body);
    account.serve(&call, &grip).await
}

/// Who calls has no account, so no settings either.
fn turn_away<P: Pretend>(why: TurnedAway) -> Response<Body> {
    let answer = P::turn_away(why, &P::Settings::default(), "00000000-0000-0000-0000-000000000000");
    answer.into_response(HeaderMap::new())
}
