//! CONNECT: who is that, and may they come in?

use std::{net::IpAddr, time::Instant};

use parlour_protocol::{ConnectAuth, Secret, SessionId, Username, pm::Code};
use parlour_socketio::server::{ConnectRequest, RequestInfo, Socket};
use serde_json::Value;

use super::{
    connection::{Connection, Lately},
    denied::Denied,
};
use crate::{
    admission::{Attempts, InviteHash, Passwords, Proxies, SignInMode, Skeleton, check_name},
    config::Config,
    hub::{Account, ConnectionId, HubHandle, NewPerson, SignInError, SignedIn, Way},
    identity::{SessionHash, new_session_id},
};

/// Decides who may come in.
pub(crate) struct Reception {
    mode: SignInMode,
    proxies: Proxies,
    failures: Attempts,
    newcomers: Attempts,
    passwords: Passwords,
}

/// One who stands at the door.
struct Visitor<'a> {
    hub: &'a HubHandle,
    connection: ConnectionId,
    client: String,
    address: IpAddr,
}

impl Reception {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            mode: config.sign_in(),
            proxies: Proxies::new(config.trusted_proxies.clone()),
            failures: Attempts::new(config.limits.failures()),
            newcomers: Attempts::new(config.limits.newcomers()),
            passwords: Passwords::new(),
        }
    }

    /// Whose connection it is.
    pub(super) fn address(&self, request: &RequestInfo) -> IpAddr {
        self.proxies.client(request.remote.ip(), &request.headers)
    }

    pub(super) async fn admit(
        &self,
        hub: &HubHandle,
        socket: &Socket,
        request: &ConnectRequest,
        address: IpAddr,
    ) -> Result<Connection, Denied> {
        // No `auth`, or one that is too deep, says nothing about anybody.
        let auth: Value = request
            .auth
            .as_ref()
            .and_then(|auth| serde_json::from_str(auth.get()).ok())
            .unwrap_or(Value::Null);
        let auth = ConnectAuth::from_json(&auth);
        let visitor = Visitor {
            hub,
            connection: ConnectionId(socket.number()),
            client: auth
                .pm
                .as_ref()
                .map(|pm| pm.client.clone())
                .unwrap_or_default(),
            address,
        };
        if let Some(session_id) = auth.session_id.clone() {
            match visitor.enter(&session_id, Way::Resume).await {
                Ok(signed_in) => {
                    let entered = (signed_in, session_id);
                    return Ok(visitor.connection(entered, auth.pm.is_some(), How::Resumed));
                }
                // It is never adopted: what follows has a session of its own.
                Err(SignInError::UnknownSession) if auth.username.is_some() => {}
                // Not counted: 256 bits are not guessed, and after a restart that
                // forgot everybody, many come at once from behind one address.
                Err(error) => return Err(error.into()),
            }
        }
        let username = match auth.username() {
            Ok(username) => username,
            Err(_) => return Err(self.count(&visitor, Code::BadRequest.into())),
        };
        if check_name(&username).is_err() {
            return Err(self.count(&visitor, Code::Forbidden.into()));
        }
        let (entered, how) = self
            .by_name(&visitor, username, auth.secret.as_ref())
            .await?;
        Ok(visitor.connection(entered, auth.pm.is_some(), how))
    }

    async fn by_name(
        &self,
        visitor: &Visitor<'_>,
        username: Username,
        secret: Option<&Secret>,
    ) -> Result<((SignedIn, SessionId), How), Denied> {
        let skeleton = Skeleton::of(&username);
        let person = NewPerson {
            username,
            skeleton,
            unique: self.mode.claims_names(),
            password: None,
            invite: None,
        };
        if !self.mode.needs_secret() {
            self.begin_newcomer(visitor)?;
            let entered = visitor.enter_anew(Way::New(person)).await;
            return match entered {
                Ok(entered) => Ok((entered, How::New)),
                Err(error) => {
                    self.newcomers.give_back(visitor.address);
                    Err(self.count(visitor, error.into()))
                }
            };
        }
        let Some(secret) = secret else {
            return Err(self.count(visitor, Code::Forbidden.into()));
        };
        // A hundred guesses at the same time are a hundred guesses: so each counts
        // from its beginning, and is given back if it was none.
        self.failures
            .begin(visitor.address, Instant::now())
            .map_err(Denied::too_often)?;
        let entered = self.by_secret(visitor, person, secret).await;
        if entered
            .as_ref()
            .map_or_else(|denied| denied.code.is_temporary(), |_| true)
        {
            // It was right, or nobody looked at it.
            self.failures.give_back(visitor.address);
        }
        entered
    }

    async fn by_secret(
        &self,
        visitor: &Visitor<'_>,
        mut person: NewPerson,
        secret: &Secret,
    ) -> Result<((SignedIn, SessionId), How), Denied> {
        let (way, how) = match self.mode {
            SignInMode::Password => self.by_password(visitor, person, secret).await?,
            _ => {
                person.invite = Some(InviteHash::of(secret.reveal()));
                (Way::New(person), How::New)
            }
        };
        Ok((visitor.enter_anew(way).await?, how))
    }

    async fn by_password(
        &self,
        visitor: &Visitor<'_>,
        mut person: NewPerson,
        secret: &Secret,
    ) -> Result<(Way, How), Denied> {
        let account = visitor.hub.look(person.skeleton.clone()).await?;
        let secret = secret.reveal();
        let Some(Account {
            user,
            banned,
            password,
        }) = account
        else {
            self.begin_newcomer(visitor)?;
            person.password = Some(self.passwords.hash(secret).await?);
            return Ok((Way::New(person), How::New));
        };
        let is_right = self.passwords.verify(secret, password.as_ref()).await?;
        if is_right && !banned {
            Ok((Way::Return(user), How::Returned))
        } else {
            Err(Code::Forbidden.into())
        }
    }

    /// Somebody is about to become a new user.
    fn begin_newcomer(&self, visitor: &Visitor<'_>) -> Result<(), Denied> {
        self.newcomers
            .begin(visitor.address, Instant::now())
            .map_err(Denied::too_often)
    }

    /// A failure without a secret: counted, and after too many of them nothing
    /// else is said.
    fn count(&self, visitor: &Visitor<'_>, denied: Denied) -> Denied {
        if denied.code.is_temporary() {
            return denied;
        }
        match self.failures.begin(visitor.address, Instant::now()) {
            Ok(()) => denied,
            Err(wait) => Denied::too_often(wait),
        }
    }
}

/// How somebody came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    New,
    Returned,
    Resumed,
}

impl Visitor<'_> {
    async fn enter(&self, session_id: &SessionId, way: Way) -> Result<SignedIn, SignInError> {
        let session = SessionHash::of(session_id);
        self.hub
            .sign_in(self.connection, self.client.clone(), session, way)
            .await
    }

    /// With a new session.
    async fn enter_anew(&self, way: Way) -> Result<(SignedIn, SessionId), SignInError> {
        let session_id = new_session_id();
        let signed_in = self.enter(&session_id, way).await?;
        Ok((signed_in, session_id))
    }

    fn connection(
        &self,
        (signed_in, session_id): (SignedIn, SessionId),
        pm: bool,
        how: How,
    ) -> Connection {
        Connection {
            id: self.connection,
            user: signed_in.user,
            session_id: Some(session_id),
            pm,
            is_new: how == How::New,
            resumed: how == How::Resumed,
            snapshot: signed_in.snapshot,
            pace: signed_in.pace,
            typing: Lately::typing(),
            receipts: Lately::receipts(),
        }
    }
}
