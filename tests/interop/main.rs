//! Our server with the official client, our client with official servers.

mod connectors;
mod official_client;
mod our_client;
mod reference_servers;
