//! What each packet means.

use serde_json::value::RawValue;

use super::{
    Effect, Header, HeaderBody, Incoming, Machine, SpaceId, State, Welcome,
    replies::{joined_as, refusal},
    spaces::SpaceState,
    undecodable,
};
use crate::{
    ack::Answer,
    error::CloseReason,
    fence::{self, FenceAnswer},
    packet::{Body, DecodeError, Packet},
    reassembly::Progress,
    surrogate,
};

impl Machine {
    pub(super) fn message(&mut self, message: &str) -> Vec<Effect> {
        let mut effects = Vec::new();
        if let Some(lost) = self.reassembly.interrupt() {
            let error = DecodeError::MissingAttachments;
            effects.push(undecodable(lost.space, error, message.len()));
        }
        let repaired = surrogate::repair(message);
        match Packet::decode_within(&repaired, &self.bounds) {
            Ok(packet) => match self.spaces.named(&packet.namespace) {
                Some(space) => {
                    let (id, state) = (space.id, space.state);
                    let deaf = state != SpaceState::Open && !space.early;
                    effects.extend(self.packet(id, state, deaf, packet.body, message.len()));
                }
                None => effects.extend(self.foreign(packet)),
            },
            Err(error) => {
                self.reassembly
                    .skip(Packet::announced_attachments(&repaired));
                effects.push(undecodable(self.spaces.eldest(), error, message.len()));
            }
        }
        effects
    }

    /// A packet for a namespace that is ours, unless we are `deaf` there for now.
    fn packet(
        &mut self,
        space: SpaceId,
        state: SpaceState,
        deaf: bool,
        body: Body,
        bytes: usize,
    ) -> Vec<Effect> {
        let (body, attachments, args) = match body {
            Body::Event {
                ack,
                attachments,
                name,
                args,
            } => (HeaderBody::Event { name, ack }, attachments, args),
            Body::Ack {
                id,
                attachments,
                args,
            } => (HeaderBody::Answer { id }, attachments, args),
            Body::Disconnect => return self.dismissed(space),
            Body::Connect(data) => return self.connected(space, state, data.as_deref()),
            Body::ConnectError(data) => return self.refused(space, state, data.as_deref()),
        };
        if deaf || state == SpaceState::Abandoned {
            self.reassembly.skip(attachments);
            return Vec::new();
        }
        let header = Header { space, body, args };
        assembled(space, self.reassembly.begin(header, attachments), bytes)
    }

    fn connected(
        &mut self,
        id: SpaceId,
        state: SpaceState,
        data: Option<&RawValue>,
    ) -> Vec<Effect> {
        match state {
            SpaceState::Open => self.violation("CONNECT was answered twice"),
            SpaceState::Abandoned => {
                if let Some(space) = self.spaces.with(id) {
                    space.state = SpaceState::Open;
                }
                self.leave(id).into_iter().collect()
            }
            SpaceState::Joining => {
                let Some((sid, pid)) = joined_as(data) else {
                    return self.violation("CONNECT was answered without an id");
                };
                let mut recovered = false;
                if let Some(space) = self.spaces.with(id) {
                    space.state = SpaceState::Open;
                    let presented = space.pid.take();
                    recovered = presented.is_some() && presented == pid;
                }
                let welcome = Welcome {
                    sid,
                    pid,
                    recovered,
                };
                vec![Effect::Joined(id, welcome)]
            }
        }
    }

    fn refused(
        &mut self,
        space: SpaceId,
        state: SpaceState,
        data: Option<&RawValue>,
    ) -> Vec<Effect> {
        if state == SpaceState::Open {
            return self.violation("CONNECT was answered twice");
        }
        self.spaces.remove(space);
        if self.spaces.deserted() {
            self.state = State::Closed;
        }
        if state == SpaceState::Abandoned {
            return Vec::new();
        }
        let (message, data) = refusal(data);
        vec![Effect::Refused {
            space,
            message,
            data,
        }]
    }

    /// The server ended one namespace, and with the last one the connection.
    fn dismissed(&mut self, space: SpaceId) -> Vec<Effect> {
        self.spaces.remove(space);
        if self.spaces.deserted() {
            return self.end(CloseReason::ServerDisconnect);
        }
        vec![Effect::Dismissed(space)]
    }

    /// A packet for a namespace that is not ours: the answer to a fence, or nothing.
    fn foreign(&mut self, packet: Packet<'_>) -> Option<Effect> {
        let answer = match packet.body {
            Body::Connect(_) => FenceAnswer::Accepted,
            Body::ConnectError(_) => FenceAnswer::Refused,
            Body::Event { attachments, .. } | Body::Ack { attachments, .. } => {
                self.reassembly.skip(attachments);
                return None;
            }
            Body::Disconnect => return None,
        };
        let number = fence::number(&packet.namespace)?;
        Some(Effect::FenceAnswered { number, answer })
    }
}

/// What became of a packet; `space` is told where it is not known whose it was.
pub(super) fn assembled(space: SpaceId, progress: Progress<Header>, bytes: usize) -> Vec<Effect> {
    let (header, attachments) = match progress {
        Progress::Waiting => return Vec::new(),
        Progress::Failed(error) => return vec![undecodable(space, error, bytes)],
        Progress::Complete(header, attachments) => (header, attachments),
    };
    let Header { space, body, args } = header;
    vec![match body {
        HeaderBody::Event { name, ack } => {
            let incoming = Incoming::Event {
                name,
                args,
                attachments,
                ack,
            };
            Effect::Deliver(space, incoming)
        }
        HeaderBody::Answer { id } => Effect::Answered {
            space,
            id,
            answer: Answer { args, attachments },
        },
    }]
}
