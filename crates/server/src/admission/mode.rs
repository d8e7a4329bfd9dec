//! What it takes to get a name.

/// Who may sign in without a session. With one, everybody may in every mode.
///
/// | Mode | A name that is free | A name that is somebody's |
/// |---|---|---|
/// | guest | a new user | a new user of the same name |
/// | claimed | a new user, whose name it stays | refused |
/// | password | a new user with this password | that user, if the password is theirs |
/// | invite | a new user, for an invitation | refused |
///
/// Whether a name is free is asked by what it looks like (UTS 39). Reserved
/// names are refused in every mode: nobody is to be taken for the one who runs
/// the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignInMode {
    /// Anybody, under any name: what the guide does.
    Guest,
    /// Anybody; the first one under a name keeps it.
    Claimed,
    /// A name and its password.
    Password,
    /// An invitation for each new name.
    Invite,
}

impl SignInMode {
    /// The mode of this name, as the configuration has it.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "guest" => Some(Self::Guest),
            "claimed" => Some(Self::Claimed),
            "password" => Some(Self::Password),
            "invite" => Some(Self::Invite),
            _ => None,
        }
    }

    /// The name of this mode.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Guest => "guest",
            Self::Claimed => "claimed",
            Self::Password => "password",
            Self::Invite => "invite",
        }
    }

    /// Whether a name belongs to one user.
    pub(crate) fn claims_names(self) -> bool {
        self != Self::Guest
    }

    /// Whether a sign-in without a session needs a secret besides the name.
    pub(crate) fn needs_secret(self) -> bool {
        matches!(self, Self::Password | Self::Invite)
    }
}
