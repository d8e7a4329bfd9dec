//! Everything that is told, put together when somebody asks.

use std::{fs, path::PathBuf, sync::Arc, sync::atomic::Ordering::Relaxed};

use parlour_socketio::server::Counts as Engine;

use super::{Metrics, SignedIn, page::Page, process};

/// Where the figures come from.
pub(crate) struct Scrape {
    /// What was counted.
    pub(crate) metrics: Arc<Metrics>,
    /// What the layer below counted.
    pub(crate) engine: Box<dyn Fn() -> Engine + Send + Sync>,
    /// The database, if there is one: its size is told, with its journal's.
    pub(crate) database: Option<PathBuf>,
}

impl Scrape {
    /// The page for Prometheus.
    pub(crate) fn page(&self) -> String {
        let mut page = Page::default();
        self.connections(&mut page);
        self.chat(&mut page);
        self.storage(&mut page);
        process(&mut page);
        page.finish()
    }

    fn connections(&self, page: &mut Page) {
        let engine = (self.engine)();
        page.gauge(
            "connections",
            "TCP connections that are open.",
            engine.connections,
        );
        page.by(
            ("sessions", "gauge"),
            "Socket.IO connections that are open.",
            "transport",
            [("polling", engine.polling), ("websocket", engine.websocket)],
        );
        let counters = [
            (
                "connections_total",
                "TCP connections accepted.",
                engine.connections_total,
            ),
            (
                "sessions_total",
                "Socket.IO connections opened.",
                engine.sessions_total,
            ),
            (
                "upgrades_total",
                "Moves from polling to WebSocket.",
                engine.upgrades_total,
            ),
            (
                "requests_refused_total",
                "HTTP requests refused for their host, origin or address.",
                engine.refused_total,
            ),
            (
                "received_bytes_total",
                "Bytes received.",
                engine.bytes_in_total,
            ),
            ("sent_bytes_total", "Bytes sent.", engine.bytes_out_total),
        ];
        for (name, help, value) in counters {
            page.counter(name, help, value);
        }
        page.by(
            ("evictions_total", "counter"),
            "Connections that the server ended.",
            "reason",
            [
                ("slow_reader", engine.slow_readers_total),
                ("ping_timeout", engine.ping_timeouts_total),
                ("protocol_error", engine.protocol_errors_total),
                ("too_large", engine.too_large_total),
                ("application", self.metrics.cut.load(Relaxed)),
            ],
        );
    }

    fn chat(&self, page: &mut Page) {
        let metrics = &self.metrics;
        let get = |counter: &std::sync::atomic::AtomicU64| counter.load(Relaxed);
        page.gauge("users", "Users who are known.", get(&metrics.users));
        page.gauge("users_online", "Users who are here.", get(&metrics.online));
        page.by(
            ("sign_ins_total", "counter"),
            "Sign-ins that succeeded.",
            "outcome",
            SignedIn::ALL
                .iter()
                .map(|how| how.name())
                .zip(metrics.sign_ins.iter().map(get)),
        );
        page.by(
            ("sign_ins_refused_total", "counter"),
            "Sign-ins that were refused.",
            "code",
            metrics.refused_sign_ins.all(),
        );
        page.counter(
            "messages_accepted_total",
            "Messages stored.",
            get(&metrics.accepted),
        );
        page.counter(
            "messages_duplicate_total",
            "Messages that were known already.",
            get(&metrics.duplicates),
        );
        page.by(
            ("messages_refused_total", "counter"),
            "Messages answered with a refusal.",
            "code",
            metrics.refused_messages.all(),
        );
        page.by(
            ("messages_ignored_total", "counter"),
            "Messages that nobody wanted an answer to, and that could not be delivered.",
            "reason",
            [
                ("malformed", get(&metrics.malformed)),
                ("unknown_recipient", get(&metrics.unknown_recipient)),
            ],
        );
        page.gauge(
            "hub_queue",
            "Commands that waited for the hub when it last looked.",
            get(&metrics.queue),
        );
    }

    fn storage(&self, page: &mut Page) {
        page.histogram(
            "commit_seconds",
            "How long commits took.",
            &self.metrics.commit_seconds,
        );
        page.histogram(
            "commit_messages",
            "How many messages shared a commit.",
            &self.metrics.commit_messages,
        );
        page.counter(
            "storage_failures_total",
            "Transactions that failed.",
            self.metrics.storage_failures.load(Relaxed),
        );
        if let Some(database) = &self.database {
            let mut journal = database.clone().into_os_string();
            journal.push("-wal");
            let size = |path: PathBuf| fs::metadata(path).map_or(0, |data| data.len());
            page.by(
                ("database_bytes", "gauge"),
                "Size of the database on disk.",
                "file",
                [
                    ("data", size(database.clone())),
                    ("journal", size(journal.into())),
                ],
            );
        }
    }
}

fn process(page: &mut Page) {
    if let Some(bytes) = process::resident_bytes() {
        page.gauge(
            "process_resident_bytes",
            "Memory of the process in RAM.",
            bytes,
        );
    }
    if let Some(files) = process::open_files() {
        page.gauge(
            "process_open_files",
            "Files and sockets that are open.",
            files,
        );
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_page_is_in_the_text_format() {
        let metrics = Arc::new(Metrics::default());
        metrics.commit(3, Duration::from_micros(700));
        metrics.signed_in(SignedIn::Resumed);
        metrics.users(5, 2);
        let folder = tempfile::tempdir().expect("folder");
        let database = folder.path().join("server.db");
        fs::write(&database, [0; 100]).expect("written");
        let page = Scrape {
            metrics,
            engine: Box::new(Engine::default),
            database: Some(database),
        }
        .page();
        for line in [
            "# TYPE parlour_sessions gauge",
            "parlour_sessions{transport=\"websocket\"} 0",
            "parlour_users_online 2",
            "parlour_sign_ins_total{outcome=\"resumed\"} 1",
            "parlour_messages_accepted_total 3",
            "parlour_commit_seconds_bucket{le=\"0.0005\"} 0",
            "parlour_commit_seconds_bucket{le=\"0.001\"} 1",
            "parlour_commit_seconds_bucket{le=\"+Inf\"} 1",
            "parlour_commit_seconds_count 1",
            "parlour_commit_messages_sum 3",
            "parlour_database_bytes{file=\"data\"} 100",
        ] {
            assert!(page.lines().any(|found| found == line), "{line}\n{page}");
        }
        assert!(page.lines().all(|line| line.starts_with("# ") || {
            let (name, value) = line.rsplit_once(' ').expect("a value");
            name.starts_with("parlour_") && value.parse::<f64>().is_ok()
        }));
        #[cfg(target_os = "linux")]
        assert!(page.contains("\nparlour_process_resident_bytes "));
    }
}
