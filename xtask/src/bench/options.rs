//! What `cargo xtask bench server` can be told.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use super::peers::Peer;
use super::plan;

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    /// Shorter, coarser, and without what takes long.
    pub(crate) quick: bool,
    /// The scenarios that were asked for; all when empty.
    pub(crate) only: Vec<String>,
    peers: Vec<Peer>,
    /// Any program that takes `--listen` and `--data` and says
    /// `server listening at URL`.
    pub(crate) other: Option<PathBuf>,
}

impl Options {
    pub(crate) fn parse(words: &[String]) -> Result<Self> {
        let mut words = words.iter();
        match words.next().map(String::as_str) {
            Some("server") => {}
            Some(other) => {
                bail!("`cargo xtask bench` does not know `{other}`, only `server` and `client`")
            }
            None => bail!("what is to be measured? `cargo xtask bench server`, or `client`"),
        }
        let mut options = Self::default();
        while let Some(word) = words.next() {
            let mut next =
                |what: &str| words.next().with_context(|| format!("{word} wants {what}"));
            match word.as_str() {
                "--quick" => options.quick = true,
                "--only" => {
                    let names = next("SCENARIO[,SCENARIO]")?.split(',').map(str::to_owned);
                    options.only.extend(names);
                }
                "--peer" => {
                    let name = next("a name")?;
                    let peer = Peer::named(name).with_context(|| {
                        format!("there is no peer `{name}`; there are official, memory, sqlite and relay")
                    })?;
                    options.peers.push(peer);
                }
                "--peer-binary" => options.other = Some(std::path::absolute(next("a program")?)?),
                other => bail!("`cargo xtask bench server` does not know `{other}`"),
            }
        }
        let known = plan::names();
        if let Some(name) = options
            .only
            .iter()
            .find(|name| !known.contains(&name.as_str()))
        {
            bail!(
                "there is no scenario `{name}`; there are {}",
                known.join(", ")
            );
        }
        Ok(options)
    }

    /// Whether this server takes part: all do, unless some were named. One
    /// that was given as a program is meant to.
    pub(crate) fn has(&self, peer: Peer) -> bool {
        match peer {
            Peer::Other => self.other.is_some(),
            _ => self.peers.is_empty() || self.peers.contains(&peer),
        }
    }

    /// Whether this scenario was asked for.
    pub(crate) fn wants(&self, scenario: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|name| name == scenario)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options> {
        let words: Vec<_> = line.split_whitespace().map(str::to_owned).collect();
        Options::parse(&words)
    }

    #[test]
    fn nothing_said_is_everything_but_a_program_nobody_named() {
        let options = parse("server").unwrap();
        assert!(!options.quick && options.wants("storm"));
        assert!(options.has(Peer::Official) && options.has(Peer::Memory));
        assert!(options.has(Peer::Sqlite) && !options.has(Peer::Other));
    }

    #[test]
    fn a_part_can_be_asked_for() {
        let line = "server --quick --peer official --peer-binary old --only paced,idle";
        let options = parse(line).unwrap();
        assert!(options.quick && options.has(Peer::Official) && options.has(Peer::Other));
        assert!(!options.has(Peer::Memory) && !options.has(Peer::Sqlite));
        assert!(options.wants("paced") && options.wants("idle") && !options.wants("storm"));
    }

    #[test]
    fn what_is_not_understood_is_refused_in_a_sentence() {
        let refusal = |line: &str| format!("{:#}", parse(line).unwrap_err());
        assert!(refusal("").starts_with("what is to be measured?"));
        assert!(refusal("clients").contains("`clients`"));
        assert!(refusal("server --only strom").contains("no scenario `strom`"));
        assert!(refusal("server --peer").contains("--peer wants a name"));
        assert!(refusal("server --peer nobody").contains("official, memory, sqlite and relay"));
        assert!(refusal("server --fast").contains("`--fast`"));
    }
}
