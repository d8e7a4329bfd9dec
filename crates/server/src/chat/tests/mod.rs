//! The chat's rules, without a network.
