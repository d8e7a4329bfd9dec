//! The command line.

use crate::profile::Profile;

/// What the app was asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Args {
    /// Whose data, settings and sign-in.
    pub(crate) profile: Profile,
    /// The address to fill the form with.
    pub(crate) server: Option<String>,
}

/// Words instead of a window.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Stop {
    pub(crate) text: String,
    pub(crate) code: u8,
}

const USAGE: &str = "\
Usage: parlour [--profile NAME] [--server URL]
  --profile NAME  another identity, with its own data, settings and sign-in;
                  1 to 32 of a-z, 0-9, _ and -
  --server URL    the address to fill the sign-in form with";

/// Reads the arguments that follow the program's name.
pub(crate) fn parse(mut given: impl Iterator<Item = String>) -> Result<Args, Stop> {
    let wrong = |what: String| Stop {
        text: format!("{what}\n{USAGE}"),
        code: 2,
    };
    let mut args = Args {
        profile: Profile::default(),
        server: None,
    };
    while let Some(arg) = given.next() {
        let (name, inline) = match arg.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
            None => (arg, None),
        };
        let mut value = || {
            let value = inline.clone().or_else(|| given.next());
            value.ok_or_else(|| wrong(format!("{name} needs a value.")))
        };
        match name.as_str() {
            "--profile" => {
                let value = value()?;
                args.profile = Profile::parse(&value)
                    .ok_or_else(|| wrong(format!("“{value}” cannot be the name of a profile.")))?;
            }
            "--server" => args.server = Some(value()?),
            "--help" | "-h" => {
                return Err(Stop {
                    text: USAGE.into(),
                    code: 0,
                });
            }
            _ => return Err(wrong(format!("Parlour does not know “{name}”."))),
        }
    }
    Ok(args)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(args: &[&str]) -> Result<Args, Stop> {
        parse(args.iter().map(ToString::to_string))
    }

    #[test]
    fn both_spellings_of_a_value_are_read() {
        let expected = Args {
            profile: Profile::parse("second").unwrap(),
            server: Some("http://127.0.0.1:3000".into()),
        };
        let apart = ["--profile", "second", "--server", "http://127.0.0.1:3000"];
        assert_eq!(parsed(&apart).unwrap(), expected);
        let joined = ["--server=http://127.0.0.1:3000", "--profile=second"];
        assert_eq!(parsed(&joined).unwrap(), expected);
        assert_eq!(parsed(&[]).unwrap().profile, Profile::default());
    }

    #[test]
    fn what_cannot_be_read_is_said_with_the_usage() {
        for (args, sentence) in [
            (vec!["--profile"], "--profile needs a value."),
            (
                vec!["--profile", "../x"],
                "“../x” cannot be the name of a profile.",
            ),
            (vec!["--fast"], "Parlour does not know “--fast”."),
        ] {
            let stop = parsed(&args).unwrap_err();
            assert_eq!(stop.code, 2);
            assert_eq!(stop.text, format!("{sentence}\n{USAGE}"));
        }
        assert_eq!(parsed(&["--help"]).unwrap_err().code, 0);
    }
}
