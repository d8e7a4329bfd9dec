//! parlour-server.
