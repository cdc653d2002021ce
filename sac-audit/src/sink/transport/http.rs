// SPDX-License-Identifier: MIT OR Apache-2.0
//! HTTP and HTTPS: a request for each message. What the receiver answered with success is delivered.

use super::tls::Credentials;
use super::{Failure, Sent, Transport};
use crate::sink::format::{Message, webhook};
use jiff::Timestamp;
use serde_json::Value as Json;
use std::net::ToSocketAddrs as _;
use std::time::{Duration, Instant};
use ureq::http::{Response, StatusCode, Uri, header};
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ureq::{Agent, Body};

/// Most that is read of an answer.
const ANSWER_BYTES_MAX: u64 = 64 << 10;

/// Longest time that a receiver can ask for before it is tried again.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(600);

/// Where requests go to, and what is in them besides the message.
///
/// There is no `Debug`: headers and secret must not get into a log.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// `https://…` or `http://…`.
    pub url: String,
    /// Headers, with what they are to be.
    pub headers: Vec<(String, String)>,
    /// What each body is signed with.
    pub secret: Option<Vec<u8>>,
}

/// Sends requests, one after the other, over a connection that is kept.
pub struct Http {
    endpoint: Endpoint,
    timeout: Duration,
    agent: Agent,
}

impl Http {
    /// Requests to this endpoint. A batch takes `timeout` at most. `credentials` are for `https://`.
    #[must_use]
    pub fn new(endpoint: Endpoint, credentials: Option<&Credentials>, timeout: Duration) -> Self {
        let config = Agent::config_builder();
        let config = match credentials {
            Some(credentials) => config.tls_config(credentials.for_https()),
            None => config,
        };
        let config = config
            .http_status_as_error(false)
            // What is sent is for the receiver in the configuration, and for nobody that it names.
            .max_redirects(0)
            .proxy(None)
            .user_agent(concat!("sac/", env!("CARGO_PKG_VERSION")))
            .build();
        let agent = Agent::with_parts(config, DefaultConnector::default(), SystemResolver);
        Self { endpoint, timeout, agent }
    }

    fn post(&self, body: &[u8], timeout: Duration) -> Result<Response<Body>, ureq::Error> {
        let mut request = self
            .agent
            .post(&self.endpoint.url)
            .config()
            .timeout_global(Some(timeout))
            .build()
            .header(header::CONTENT_TYPE, "application/json");
        for (name, value) in &self.endpoint.headers {
            request = request.header(name, value);
        }
        if let Some(secret) = &self.endpoint.secret {
            let timestamp = Timestamp::now().as_second();
            request = request
                .header("X-SAC-Timestamp", timestamp.to_string())
                .header("X-SAC-Signature", webhook::signature(secret, timestamp, body));
        }
        request.send(body)
    }
}

impl Transport for Http {
    fn send(&mut self, batch: &[Message]) -> Result<Sent, Failure> {
        let deadline = Instant::now() + self.timeout;
        let mut all = Sent::default();
        for (sent, message) in batch.iter().enumerate() {
            let remaining = deadline.saturating_duration_since(Instant::now());
            if remaining.is_zero() {
                return Err(Failure::passing(sent, "the receiver is too slow"));
            }
            let response =
                self.post(&message.bytes, remaining).map_err(|error| Failure::passing(sent, error))?;
            let one = answered(response, sent)?;
            all.refused += one.refused;
            all.reason = one.reason.or(all.reason);
        }
        Ok(all)
    }
}

/// What an answer says.
fn answered(mut response: Response<Body>, sent: usize) -> Result<Sent, Failure> {
    let status = response.status();
    let retry_after = response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
    let retry_after = retry_after.and_then(|seconds| seconds.trim().parse().ok()).map(Duration::from_secs);
    // The body is read to the end so that the connection can be used again; without one the status says enough.
    let body = response.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_vec().unwrap_or_default();
    let reason = format!("the receiver answered {status}");
    match status {
        status if status.is_success() => Ok(partly(&body)),
        // It is the message that is wrong, so it would be wrong again.
        StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNPROCESSABLE_ENTITY => {
            Err(Failure::lasting(sent, reason))
        }
        // All others are somebody's to put right: the way is wrong, or a token, or the receiver is not well.
        _ => Err(Failure {
            retry_after: retry_after.map(|after: Duration| after.min(RETRY_AFTER_MAX)),
            ..Failure::passing(sent, reason)
        }),
    }
}

/// The part that an OTLP receiver did not take (`ExportLogsPartialSuccess`). Other receivers say nothing of the kind.
fn partly(body: &[u8]) -> Sent {
    let answer: Json = serde_json::from_slice(body).unwrap_or_default();
    let partial = &answer["partialSuccess"];
    let rejected = &partial["rejectedLogRecords"];
    let refused = rejected.as_u64().or_else(|| rejected.as_str()?.parse().ok()).unwrap_or_default();
    let reason = partial["errorMessage"].as_str().filter(|reason| !reason.is_empty()).map(str::to_owned);
    Sent { refused, reason }
}

/// The system's resolver, in this thread: the client's own starts another one for each name.
#[derive(Debug)]
struct SystemResolver;

impl Resolver for SystemResolver {
    fn resolve(
        &self,
        uri: &Uri,
        _config: &ureq::config::Config,
        _timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let host = uri.host().ok_or(ureq::Error::HostNotFound)?;
        let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 });
        let mut resolved = self.empty();
        for address in format!("{host}:{port}").to_socket_addrs()?.take(ADDRESSES_MAX) {
            resolved.push(address);
        }
        if resolved.is_empty() { Err(ureq::Error::HostNotFound) } else { Ok(resolved) }
    }
}

/// Most addresses of a host that are tried; the client has room for 16.
const ADDRESSES_MAX: usize = 8;

#[cfg(test)]
mod tests;
