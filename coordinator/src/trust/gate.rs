//! The gate before the services: who calls, may they, and not too often?

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use basin_domain::utc::Utc;
use basin_proto::hint;
use http::header::AUTHORIZATION;
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::Service;
use tonic::metadata::MetadataValue;

use super::load::{CallPermit, LimitedBody, LoadLimiter, PermitBody};
use super::port::Peer;
use super::rate_limits::RateLimits;
use super::{Caller, Role, Tokens, calls};

/// How often a log is told of refused calls, however many there are.
const REFUSAL_LOG_INTERVAL: Duration = Duration::from_secs(30);
/// How long a caller should wait whose token has all the connections that it may have.
const TOO_MANY_CONNECTIONS: Duration = Duration::from_secs(1);

/// What all calls are held against.
#[derive(Debug)]
pub struct Rules {
    tokens: Tokens,
    rates: Option<RateLimits>,
    load: Arc<LoadLimiter>,
    refusals: RefusalLog,
}

#[derive(Debug, Default)]
struct RefusalLog {
    unlogged: AtomicU64,
    last_logged: Mutex<Option<Instant>>,
}

impl RefusalLog {
    /// Counts one. How many there were, if it is time to tell.
    fn count(&self, now: Instant) -> Option<u64> {
        let unlogged = self.unlogged.fetch_add(1, Ordering::Relaxed) + 1;
        let mut last_logged = self.last_logged.lock().unwrap_or_else(PoisonError::into_inner);
        if last_logged.is_some_and(|at| now.saturating_duration_since(at) < REFUSAL_LOG_INTERVAL) {
            return None;
        }
        *last_logged = Some(now);
        self.unlogged.fetch_sub(unlogged, Ordering::Relaxed);
        Some(unlogged)
    }
}

impl Rules {
    /// Those who show one of the tokens are let through, each within its rate.
    pub fn new(tokens: Tokens, calls_per_second: Option<u32>) -> Self {
        let rates = calls_per_second.map(RateLimits::new);
        Self { tokens, rates, load: Arc::default(), refusals: RefusalLog::default() }
    }

    /// Who makes a call, if it is let through.
    fn admit(&self, request: &mut http::Request<Body>) -> Result<Caller, Status> {
        let peer = request.extensions().get::<Peer>().cloned();
        // It has done its work here, and must not be in any log further on.
        let shown = request.headers_mut().remove(AUTHORIZATION);
        if peer.as_ref().is_some_and(|peer| peer.should_speak_tls) {
            return Err(hint::attach(
                Status::failed_precondition("this coordinator speaks TLS, and was called without"),
                "its address begins with https://; a token that was sent without TLS is better replaced",
            ));
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let caller = self.tokens.authenticate(shown.as_ref(), Utc::from_unix(now.as_secs()));
        let caller =
            caller.map_err(|why| hint::attach(Status::unauthenticated(why.to_string()), why.hint()))?;
        let call = request.uri().path();
        let least = calls::least_role(call);
        if caller.role < least {
            return Err(forbidden(&caller, call, least));
        }
        if let Some(rates) = &self.rates {
            let address = peer.as_ref().and_then(|peer| peer.address).map(|address| address.ip());
            let counted = rates.count((caller.token.clone(), address), Instant::now());
            counted.map_err(too_many)?;
        }
        if least == Role::Admin && self.tokens.are_needed() {
            tracing::info!(caller = caller.name, call, "an admin called");
        }
        if let Some(peer) = peer
            && !peer.authenticate(&caller)
        {
            return Err(too_much("too many connections of one token", TOO_MANY_CONNECTIONS));
        }
        Ok(caller)
    }

    /// Begins a call that is let through, within what its caller may have under way.
    fn begin(&self, request: &http::Request<Body>, caller: &Caller) -> Result<Arc<CallPermit>, Status> {
        let address = request.extensions().get::<Peer>().and_then(|peer| peer.address);
        let is_workers = match calls::least_role(request.uri().path()) {
            Role::Worker => true,
            Role::Viewer | Role::Admin => false,
        };
        self.load.begin(caller.token.clone(), address.map(|address| address.ip()), is_workers)
    }

    fn note_refusal(&self, request: &http::Request<Body>, status: &Status) {
        let address = request.extensions().get::<Peer>().and_then(|peer| peer.address);
        let call: String = request.uri().path().chars().take(100).collect();
        let why = status.message();
        tracing::debug!(?address, call, why, "call refused");
        if let Some(calls) = self.refusals.count(Instant::now()) {
            tracing::warn!(calls, ?address, call, why, "calls were refused, of late this one");
        }
    }
}

fn forbidden(caller: &Caller, call: &str, least: Role) -> Status {
    let name = call.rsplit('/').next().unwrap_or_default();
    let name: String = name.chars().take(60).collect();
    let (is, takes) = (caller.role.somebody(), least.somebody());
    let message = format!("the token `{}` is {is}'s, and {name} takes {takes}'s", caller.name);
    hint::attach(
        Status::permission_denied(message),
        &format!("show a token that was made with `basin token create --role {least}`"),
    )
}

/// Who calls too often hears how long to wait.
fn too_many(wait: Duration) -> Status {
    let status = too_much("too many calls from one caller", wait);
    hint::attach(
        status,
        "call less often; `basin serve --calls-per-second N` sets what one token may do from one address",
    )
}

/// So does who has too much under way.
pub(super) fn too_much_under_way(wait: Duration) -> Status {
    let status = too_much("too many calls, or too large ones, are under way", wait);
    hint::attach(status, "wait for the answers to earlier calls")
}

/// A refusal that says, as gRPC has it, how long to wait.
fn too_much(what: &str, wait: Duration) -> Status {
    let milliseconds = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).max(1);
    let mut status = Status::resource_exhausted(what);
    status.metadata_mut().insert(basin_proto::RETRY_AFTER_KEY, MetadataValue::from(milliseconds));
    status
}

/// Services behind the gate.
#[derive(Debug, Clone)]
pub struct Gate<S> {
    services: S,
    rules: Arc<Rules>,
}

impl<S> Gate<S> {
    /// Puts services behind the gate.
    pub fn new(services: S, rules: Arc<Rules>) -> Self {
        Self { services, rules }
    }
}

impl<S> Service<http::Request<Body>> for Gate<S>
where
    S: Service<http::Request<Body>, Response = http::Response<Body>>,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
{
    type Response = http::Response<Body>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.services.poll_ready(context)
    }

    fn call(&mut self, mut request: http::Request<Body>) -> Self::Future {
        let admitted = self.rules.admit(&mut request);
        let begun = admitted.and_then(|caller| Ok((self.rules.begin(&request, &caller)?, caller)));
        match begun {
            Ok((permit, caller)) => {
                request.extensions_mut().insert(caller);
                let limit = calls::longest_message(request.uri().path());
                let measured = |body| Body::new(LimitedBody::new(body, Arc::clone(&permit), limit));
                let answered = self.services.call(request.map(measured));
                Box::pin(async move {
                    let kept = |body| Body::new(PermitBody { body, _permit: permit });
                    answered.await.map(|response| response.map(kept))
                })
            }
            Err(status) => {
                self.rules.note_refusal(&request, &status);
                Box::pin(std::future::ready(Ok(status.into_http())))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use basin_domain::scheduling::UserName;

    use super::super::NewToken;
    use super::*;

    fn call(path: &str, token: Option<&str>) -> http::Request<Body> {
        let mut request = http::Request::post(path).body(Body::default()).unwrap();
        if let Some(token) = token {
            request.headers_mut().insert(AUTHORIZATION, format!("Bearer {token}").try_into().unwrap());
        }
        request
    }

    fn new_token(role: Role) -> (NewToken, Rules) {
        let new_token = NewToken::new(UserName::new("lab").unwrap(), role, Utc::from_unix(0), None).unwrap();
        let rules = Rules::new(Tokens::Only(Arc::new(new_token.entry.clone())), Some(1));
        (new_token, rules)
    }

    #[test]
    fn every_call_is_let_through_for_its_roles_alone() {
        for role in Role::ALL {
            let (new_token, _) = new_token(role);
            for path in basin_proto::CALLS {
                let rules = Rules::new(Tokens::Only(Arc::new(new_token.entry.clone())), None);
                let admitted = rules.admit(&mut call(path, Some(new_token.secret.expose_secret())));
                assert_eq!(admitted.is_ok(), role >= calls::least_role(path), "{role} {path}");
                let refused = rules.admit(&mut call(path, None)).unwrap_err();
                assert_eq!(refused.code(), tonic::Code::Unauthenticated);
                assert!(hint::of(&refused).is_some());
            }
        }
    }

    #[test]
    fn a_token_goes_no_further_than_the_gate() {
        let (new_token, rules) = new_token(Role::Viewer);
        let mut request = call("/basin.v1.Control/About", Some(new_token.secret.expose_secret()));
        assert_eq!(rules.admit(&mut request).unwrap().name, "lab");
        assert!(!request.headers().contains_key(AUTHORIZATION));
    }

    #[test]
    fn who_calls_too_often_hears_how_long_to_wait() {
        let (new_token, rules) = new_token(Role::Admin);
        let once =
            || rules.admit(&mut call("/basin.v1.Control/About", Some(new_token.secret.expose_secret())));
        let refused = (0..10).find_map(|_| once().err()).unwrap();
        assert_eq!(refused.code(), tonic::Code::ResourceExhausted);
        let wait = basin_proto::retry_after(&refused).unwrap();
        assert!(wait > Duration::ZERO && wait <= Duration::from_secs(1), "{wait:?}");
    }

    #[test]
    fn a_log_is_not_flooded_by_refusals() {
        let refusals = RefusalLog::default();
        let began = Instant::now();
        assert_eq!(refusals.count(began), Some(1));
        assert!((0..1_000).all(|_| refusals.count(began).is_none()));
        assert_eq!(refusals.count(began + REFUSAL_LOG_INTERVAL), Some(1_001));
    }
}
