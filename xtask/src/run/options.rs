//! What `cargo xtask run` can be told.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

const DEFAULT_LISTEN: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 3000);

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) listen: SocketAddr,
    /// Where the server keeps messages; the user's data folder when absent.
    pub(crate) data: Option<PathBuf>,
    /// A second window under a second profile.
    pub(crate) two: bool,
}

impl Options {
    pub(crate) fn parse(words: &[String]) -> Result<Self> {
        let mut options = Self {
            listen: DEFAULT_LISTEN,
            data: None,
            two: false,
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--two" => options.two = true,
                "--listen" => {
                    let address = words.next().context("--listen wants an address")?;
                    options.listen = address.parse().with_context(|| {
                        format!("`{address}` is no address; one is {DEFAULT_LISTEN}")
                    })?;
                }
                "--data" => {
                    let folder = words.next().context("--data wants a folder")?;
                    options.data = Some(std::path::absolute(folder)?);
                }
                other => bail!("`cargo xtask run` does not know `{other}`"),
            }
        }
        if !options.listen.ip().is_loopback() {
            bail!(
                "`run` starts a server for this computer alone, and {} is open to others. \
                 Anybody who reaches it can sign in; if that is meant, start parlour-server \
                 itself with --public.",
                options.listen
            );
        }
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options> {
        Options::parse(
            &line
                .split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>(),
        )
    }

    #[test]
    fn nothing_said_is_one_window_on_port_3000() {
        let options = parse("").unwrap();
        assert_eq!(options.listen.to_string(), "127.0.0.1:3000");
        assert_eq!((options.data, options.two), (None, false));
    }

    #[test]
    fn all_can_be_said() {
        let options = parse("--two --listen 127.0.0.1:0 --data /somewhere").unwrap();
        assert_eq!(options.listen.port(), 0);
        assert!(options.two && options.data.unwrap().is_absolute());
    }

    #[test]
    fn what_is_not_understood_is_refused_in_a_sentence() {
        let refusal = |line: &str| format!("{:#}", parse(line).unwrap_err());
        assert!(refusal("--listen here").starts_with("`here` is no address"));
        assert!(refusal("--listen").contains("wants an address"));
        assert!(refusal("--three").contains("does not know `--three`"));
        assert!(refusal("--listen 0.0.0.0:3000").contains("open to others"));
    }
}
