//! Requests of one kind, one at a time.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;

use super::{failure::Failure, lane::Lane, site::Site};
use crate::transport::Meter;

type Running = Pin<Box<dyn Future<Output = (Lane, Result<Bytes, Failure>)> + Send>>;

/// See the module.
pub(super) struct Requests {
    state: State,
    meter: Arc<Meter>,
}

enum State {
    Idle(Lane),
    Running(Running),
    /// Between the two, and after a failure.
    Gone,
}

/// What has become of the request.
pub(super) enum Turn {
    /// There is none.
    Idle,
    Pending,
    Done(Result<Bytes, Failure>),
}

impl Requests {
    pub(super) fn new(lane: Lane) -> Self {
        Self {
            meter: Arc::clone(lane.meter()),
            state: State::Idle(lane),
        }
    }

    pub(super) fn meter(&self) -> &Meter {
        &self.meter
    }

    pub(super) fn is_idle(&self) -> bool {
        !matches!(self.state, State::Running(_))
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Turn {
        let State::Running(running) = &mut self.state else {
            return Turn::Idle;
        };
        let Poll::Ready((lane, result)) = running.as_mut().poll(cx) else {
            return Turn::Pending;
        };
        self.state = State::Idle(lane);
        Turn::Done(result)
    }

    /// Sends what is to be said.
    pub(super) fn post(&mut self, site: &Arc<Site>, sid: &str, body: Bytes) {
        let request = site.request(Some(sid), Some(body));
        let site = Arc::clone(site);
        self.start(|mut lane| async move {
            let result = match request {
                Ok(request) => lane.exchange(&site, request, None).await,
                Err(failure) => Err(failure),
            };
            (lane, result)
        });
    }

    /// Asks what the server has to say, after a pause.
    pub(super) fn poll_again(
        &mut self,
        site: &Arc<Site>,
        sid: &str,
        patience: Duration,
        pause: Duration,
    ) {
        let request = site.request(Some(sid), None);
        let site = Arc::clone(site);
        self.start(move |mut lane| async move {
            if !pause.is_zero() {
                tokio::time::sleep(pause).await;
            }
            let result = match request {
                Ok(request) => lane.exchange(&site, request, Some(patience)).await,
                Err(failure) => Err(failure),
            };
            (lane, result)
        });
    }

    fn start<F>(&mut self, request: impl FnOnce(Lane) -> F)
    where
        F: Future<Output = (Lane, Result<Bytes, Failure>)> + Send + 'static,
    {
        self.state = match std::mem::replace(&mut self.state, State::Gone) {
            State::Idle(lane) => State::Running(Box::pin(request(lane))),
            other => other,
        };
    }
}
