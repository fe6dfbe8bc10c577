//! The process: every tenant behind one listener.
//!
//! A request passes, from the outside in, the [access log](super::access_log), the
//! [sign-in](super::sign_in) and the service, which finds the tenant by host and path. All three are
//! layers and services of tower, put together with axum.
//!
//! axum sets no time limits for slow peers. In front of this process belongs a proxy that does, and
//! that has the certificates; a service without layers has them itself ([`HttpService::serve`]).

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, Request};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::Response;
use mcp_server::http::{HttpService, Peer};
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::access_log::{self, AccessLog};
use super::sign_in::{SignIn, sign_in};
use super::tenants::{self, OpenTenant, TenantError};

/// What SaaSRUS is started with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The directory with the databases; it is made if it is not there.
    pub data: PathBuf,
    /// The domain below which tenants have their hosts.
    pub domain: String,
    /// The proxies that may say which host a client named: addresses, or networks.
    pub trusted_proxies: Vec<String>,
    /// Where the access log goes.
    pub access_log: Option<AccessLog>,
}

/// The open tenants, and what answers for them.
#[derive(Debug)]
pub struct Saasrus {
    /// The tenants, with the tokens that were made for new databases.
    pub tenants: Vec<OpenTenant>,
    router: Router,
}

impl Saasrus {
    /// Opens every tenant.
    ///
    /// # Errors
    ///
    /// [`StartError`].
    pub fn open(settings: Settings) -> Result<Self, StartError> {
        let Settings { data, domain, trusted_proxies, access_log } = settings;
        make_directory(&data).map_err(|source| StartError::Data { path: data.clone(), source })?;
        let open = tenants::ALL.into_iter().map(|tenant| tenant.open(&data));
        let tenants = open.collect::<Result<Vec<_>, _>>()?;

        // `wholesalechips.saasrus.example`, or `saasrus.example/tenants/cornershop`
        let places = tenants.iter().map(|open| (open.tenant.address(&domain), open));
        let tokens = places.clone().map(|(place, open)| (place, open.tokens.clone())).collect();
        let service =
            HttpService::by_host(places.map(|(place, open)| (place, open.server.clone())))
                .trusted_proxies(trusted_proxies);
        service.check()?;

        let gate = Arc::new(SignIn { service: service.clone(), tokens });
        let mut router = Router::new()
            .fallback_service(service)
            .layer(from_fn_with_state(gate, sign_in))
            .layer(from_fn(peer));
        if let Some(log) = access_log {
            router = router.layer(from_fn_with_state(log, access_log::log));
        }
        Ok(Self { tenants, router })
    }

    /// Answers what comes over the listener until `stop` completes; then what was accepted is
    /// answered, for at most a few seconds.
    ///
    /// # Errors
    ///
    /// When connections cannot be accepted.
    pub async fn serve(
        self,
        listener: TcpListener,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<()> {
        let (stopping, stopped) = oneshot::channel();
        let stop = async move {
            stop.await;
            let _ = stopping.send(());
        };
        let app = self.router.into_make_service_with_connect_info::<SocketAddr>();
        let serving = axum::serve(listener, app).with_graceful_shutdown(stop);
        let too_long = async move {
            match stopped.await {
                Ok(()) => tokio::time::sleep(DRAIN).await,
                Err(_) => std::future::pending().await,
            }
        };
        tokio::select! {
            served = async { serving.await } => served,
            () = too_long => Ok(()),
        }
    }
}

/// SaaSRUS could not be started.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// There is no directory for the databases.
    #[error("cannot use the directory `{path}`: {source}", path = path.display())]
    Data {
        /// Which one.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A tenant could not be opened.
    #[error(transparent)]
    Tenant(#[from] TenantError),
    /// The tenants cannot be served together, for instance because the domain is no domain.
    #[error(transparent)]
    Service(#[from] mcp_server::Error),
}

/// Makes a directory that nobody else can look into, unless it is there.
pub(super) fn make_directory(path: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(path)
}

/// Tells the service who opened the connection: only then it knows its proxies.
async fn peer(
    ConnectInfo(address): ConnectInfo<SocketAddr>,
    mut request: Request,
    next: Next,
) -> Response {
    request.extensions_mut().insert(Peer(address));
    next.run(request).await
}

/// How long running calls have after the end was asked for.
const DRAIN: Duration = Duration::from_secs(5);
