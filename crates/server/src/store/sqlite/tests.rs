//! What is particular to SQLite: indexes, failures, files.
