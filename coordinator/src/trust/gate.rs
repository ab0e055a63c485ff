//! The gate before the services: who calls, may they, and not too often?

use std::error::Error as _;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use basin_domain::utc::Utc;
use basin_proto::call_span;
use http::header::AUTHORIZATION;
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::Service;

use super::access_denied::{AccessDenied, HintOf, with_hint};
use super::call_meter::{CallEnd, CallMeter};
use super::load::{CallPermit, LimitedBody, LoadLimiter, PermitBody};
use super::port::Peer;
use super::rate_limits::{CallerKey, RateLimits};
use super::{Caller, Role, Tokens, calls};

/// How often a log is told of refused calls, however many there are.
const REFUSAL_LOG_INTERVAL: Duration = Duration::from_secs(30);
/// How long a caller should wait whose token has all the connections that it may have.
const TOO_MANY_CONNECTIONS: Duration = Duration::from_secs(1);

/// The rules that all calls are held against.
#[derive(Debug)]
pub struct Rules {
    tokens: Tokens,
    rates: Option<RateLimits>,
    load: Arc<LoadLimiter>,
    refusals: RefusalLog,
    hint_of: HintOf,
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
    pub fn new(tokens: Tokens, calls_per_second: Option<u32>, hint_of: HintOf) -> Self {
        let rates = calls_per_second.map(RateLimits::new);
        Self { tokens, rates, load: Arc::default(), refusals: RefusalLog::default(), hint_of }
    }

    /// Who makes a call, if it is let through.
    fn admit(&self, request: &mut http::Request<Body>) -> Result<Caller, AccessDenied> {
        let peer = request.extensions().get::<Peer>().cloned();
        // It has done its work here, and must not be in any log further on.
        let shown = request.headers_mut().remove(AUTHORIZATION);
        if peer.as_ref().is_some_and(|peer| peer.should_speak_tls) {
            return Err(AccessDenied::WithoutTls);
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let caller = self.tokens.authenticate(shown.as_ref(), Utc::from_unix(now.as_secs()))?;
        let call = request.uri().path();
        let least = calls::least_role(call);
        if caller.role < least {
            let call = call.rsplit('/').next().unwrap_or_default().chars().take(60).collect();
            return Err(AccessDenied::RoleTooLow { token: caller.name, role: caller.role, call, least });
        }
        if let Some(rates) = &self.rates {
            let address = peer.as_ref().and_then(|peer| peer.address).map(|address| address.ip());
            let counted = rates.count(&CallerKey { token: caller.token.clone(), address });
            counted.map_err(|wait| AccessDenied::TooManyCalls { wait })?;
        }
        if least == Role::Admin && self.tokens.are_needed() {
            tracing::info!(caller = caller.name, call, "an admin called");
        }
        if let Some(peer) = peer
            && !peer.authenticate(&caller)
        {
            return Err(AccessDenied::TooManyConnections { wait: TOO_MANY_CONNECTIONS });
        }
        Ok(caller)
    }

    /// Begins a call that is let through, within what its caller may have under way.
    fn begin(&self, request: &http::Request<Body>, caller: &Caller) -> Result<Arc<CallPermit>, AccessDenied> {
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

/// Services behind the gate.
#[derive(Debug, Clone)]
pub struct Gate<S> {
    services: S,
    rules: Arc<Rules>,
    meter: CallMeter,
}

impl<S> Gate<S> {
    /// Puts services behind the gate, which counts their calls.
    pub fn new(services: S, rules: Arc<Rules>, meter: CallMeter) -> Self {
        Self { services, rules, meter }
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
        let timer = self.meter.begin(request.uri().path());
        let admitted = self.rules.admit(&mut request);
        let begun = admitted.and_then(|caller| Ok((self.rules.begin(&request, &caller)?, caller)));
        match begun {
            Ok((permit, caller)) => {
                request.extensions_mut().insert(caller);
                let limit = calls::longest_message(request.uri().path());
                let measured = |body| Body::new(LimitedBody::new(body, Arc::clone(&permit), limit));
                let span = call_span::of_answer(request.uri().path(), request.headers());
                let (answered, hint_of) = (self.services.call(request.map(measured)), self.rules.hint_of);
                let answered = span.follow(answered);
                Box::pin(async move {
                    let kept = |body| Body::new(PermitBody { body, _permit: permit });
                    let answered = answered.await.map(|response| hinted(response, hint_of).map(kept));
                    if let Ok(response) = &answered {
                        call_span::note_status(&span, response.headers());
                    }
                    timer.end(answered.as_ref().map_or(CallEnd::Failed, CallEnd::of_response));
                    answered
                })
            }
            Err(denied) => {
                let status = with_hint(denied.into(), self.rules.hint_of);
                self.rules.note_refusal(&request, &status);
                let response = status.into_http();
                timer.end(CallEnd::of_response(&response));
                Box::pin(std::future::ready(Ok(response)))
            }
        }
    }
}

/// A response, with what to do about it if a service refused the call.
fn hinted(response: http::Response<Body>, hint_of: HintOf) -> http::Response<Body> {
    match response.extensions().get::<Status>() {
        Some(refused) if refused.source().is_some() => with_hint(refused.clone(), hint_of).into_http(),
        Some(_) | None => response,
    }
}

#[cfg(test)]
mod tests {
    use basin_domain::scheduling::UserName;
    use basin_proto::hint;
    use secrecy::ExposeSecret;

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
        let rules = Rules::new(Tokens::Fixed(Arc::from([new_token.entry.clone()])), Some(1), |_| None);
        (new_token, rules)
    }

    #[test]
    fn every_call_is_let_through_for_its_roles_alone() {
        for role in Role::ALL {
            let (new_token, _) = new_token(role);
            for path in basin_proto::CALLS {
                let rules = Rules::new(Tokens::Fixed(Arc::from([new_token.entry.clone()])), None, |_| {
                    Some("show one".to_owned())
                });
                let admitted = rules.admit(&mut call(path, Some(new_token.secret.expose_secret())));
                assert_eq!(admitted.is_ok(), role >= calls::least_role(path), "{role} {path}");
                let refused =
                    with_hint(rules.admit(&mut call(path, None)).unwrap_err().into(), rules.hint_of);
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
        let refused = Status::from((0..10).find_map(|_| once().err()).unwrap());
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
