//! Which namespaces there are, whatever their types.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use super::{
    ConnectRequest, IncomingEvent, LeaveReason, Namespace, NamespaceHandle, Refusal, ServerOptions,
    Socket, rooms::Space,
};
use crate::packet::DecodeError;

type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// All namespaces of a server.
pub(crate) struct Registry {
    namespaces: Vec<Box<dyn Door>>,
    closed: AtomicBool,
    pub(super) max_attachments: usize,
    pub(super) max_payload: usize,
}

impl Registry {
    pub(crate) fn new(options: &ServerOptions) -> Self {
        Self {
            namespaces: Vec::new(),
            closed: AtomicBool::new(false),
            max_attachments: options.max_attachments,
            max_payload: options.max_payload,
        }
    }

    /// Adds a namespace; one that has the same name is replaced. A name without
    /// a slash before it gets one.
    pub(crate) fn add(&mut self, name: &str, namespace: impl Namespace) {
        let name = if name.starts_with('/') {
            name.to_owned()
        } else {
            format!("/{name}")
        };
        self.namespaces.retain(|door| door.space().name() != name);
        self.namespaces.push(Box::new(Entrance {
            namespace: Arc::new(namespace),
            space: Arc::new(Space::new(&name)),
        }));
    }

    pub(super) fn get(&self, name: &str) -> Option<&dyn Door> {
        let door = self
            .namespaces
            .iter()
            .find(|door| door.space().name() == name);
        door.map(|door| &**door)
    }

    /// The namespace of that name, for those outside of it.
    pub(crate) fn handle(&self, name: &str) -> Option<NamespaceHandle> {
        let door = self.get(name)?;
        Some(NamespaceHandle::new(Arc::clone(door.space())))
    }

    /// Lets nobody join any more.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }
}

/// The way into a namespace.
pub(super) trait Door: Send + Sync {
    fn space(&self) -> &Arc<Space>;

    fn connect<'a>(
        &'a self,
        socket: &'a Socket,
        request: ConnectRequest,
    ) -> Later<'a, Result<Box<dyn Seat>, Refusal>>;
}

/// The place of one socket in it.
pub(super) trait Seat: Send {
    fn joined<'a>(&'a mut self, socket: &'a Socket) -> Later<'a, ()>;
    fn event<'a>(&'a mut self, socket: &'a Socket, event: IncomingEvent) -> Later<'a, ()>;
    fn undecodable(&self, socket: &Socket, error: DecodeError);
    fn settle<'a>(&'a mut self, socket: &'a Socket) -> Later<'a, ()>;
    fn left<'a>(self: Box<Self>, socket: &'a Socket, reason: LeaveReason) -> Later<'a, ()>;
}

struct Entrance<N> {
    namespace: Arc<N>,
    space: Arc<Space>,
}

struct Place<N: Namespace> {
    namespace: Arc<N>,
    state: N::State,
}

impl<N: Namespace> Door for Entrance<N> {
    fn space(&self) -> &Arc<Space> {
        &self.space
    }

    fn connect<'a>(
        &'a self,
        socket: &'a Socket,
        request: ConnectRequest,
    ) -> Later<'a, Result<Box<dyn Seat>, Refusal>> {
        Box::pin(async move {
            let state = self.namespace.connect(socket, request).await?;
            let namespace = Arc::clone(&self.namespace);
            Ok(Box::new(Place { namespace, state }) as Box<dyn Seat>)
        })
    }
}

impl<N: Namespace> Seat for Place<N> {
    fn joined<'a>(&'a mut self, socket: &'a Socket) -> Later<'a, ()> {
        Box::pin(self.namespace.joined(socket, &mut self.state))
    }

    fn event<'a>(&'a mut self, socket: &'a Socket, event: IncomingEvent) -> Later<'a, ()> {
        Box::pin(self.namespace.event(socket, &mut self.state, event))
    }

    fn undecodable(&self, socket: &Socket, error: DecodeError) {
        self.namespace.undecodable(socket, error);
    }

    fn settle<'a>(&'a mut self, socket: &'a Socket) -> Later<'a, ()> {
        Box::pin(self.namespace.settle(socket, &mut self.state))
    }

    fn left<'a>(self: Box<Self>, socket: &'a Socket, reason: LeaveReason) -> Later<'a, ()> {
        Box::pin(async move { self.namespace.left(socket, self.state, reason).await })
    }
}
