//! Figures for Prometheus: requests by route pattern, mails by state, what was dropped, memory of the process.
//!
//! Invariant: a label never holds what a caller chose freely, so the number of series is bounded.

use actix_web::http::{Method, StatusCode};
use prometheus::{
    Encoder, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
    TextEncoder,
};

use crate::base::db::Database;
use crate::base::error::{Error, Result};
use crate::base::mail::{self, MailState, StateCount};

/// Upper ends of the histogram's buckets, in seconds.
const BUCKETS: [f64; 10] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];

/// The figures of this process.
pub struct Metrics(Result<Figures, prometheus::Error>);

struct Figures {
    registry: Registry,
    requests: IntCounterVec,
    seconds: HistogramVec,
    mails: IntGaugeVec,
    dropped: IntCounterVec,
    memory: IntGauge,
}

impl Figures {
    fn new() -> prometheus::Result<Self> {
        let requests = IntCounterVec::new(
            Opts::new("bulkhead_http_requests_total", "Requests answered"),
            &["route", "method", "status"],
        )?;
        let seconds = HistogramVec::new(
            HistogramOpts::new("bulkhead_http_request_seconds", "Time to answer")
                .buckets(BUCKETS.to_vec()),
            &["route", "method"],
        )?;
        let mails = IntGaugeVec::new(
            Opts::new("bulkhead_mails", "Mails by state, among the newest 10,000"),
            &["state"],
        )?;
        let dropped = IntCounterVec::new(
            Opts::new("bulkhead_dropped_total", "Events and log lines that could not be kept"),
            &["kind"],
        )?;
        let memory = IntGauge::new("process_resident_memory_bytes", "Resident memory")?;
        let registry = Registry::new();
        registry.register(Box::new(requests.clone()))?;
        registry.register(Box::new(seconds.clone()))?;
        registry.register(Box::new(mails.clone()))?;
        registry.register(Box::new(dropped.clone()))?;
        registry.register(Box::new(memory.clone()))?;
        Ok(Self { registry, requests, seconds, mails, dropped, memory })
    }

    fn set_mails(&self, counts: &[StateCount]) {
        for state in MailState::ALL {
            let count = counts.iter().find(|count| count.state == state.as_str());
            let gauge = self.mails.with_label_values(&[state.as_str()]);
            gauge.set(count.map_or(0, |count| count.mails));
        }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Figures that start at zero.
    pub fn new() -> Self {
        Self(Figures::new())
    }

    /// Counts and times an answered request.
    pub fn observe(&self, route: &str, method: &Method, status: StatusCode, seconds: f64) {
        let Ok(figures) = &self.0 else { return };
        let (method, class) = (method_label(method), class_label(status));
        figures.requests.with_label_values(&[route, method, class]).inc();
        figures.seconds.with_label_values(&[route, method]).observe(seconds);
    }

    /// Counts what a client told and could not be kept: an `event` or a `log`.
    pub fn dropped(&self, kind: &'static str, count: usize) {
        let Ok(figures) = &self.0 else { return };
        figures.dropped.with_label_values(&[kind]).inc_by(count.try_into().unwrap_or(u64::MAX));
    }

    /// All figures as Prometheus reads them.
    ///
    /// # Errors
    /// [`Error::Internal`] when they could not be set up or written.
    pub async fn text(&self, db: &Database) -> Result<Vec<u8>> {
        let figures = self.0.as_ref().map_err(|error| Error::internal(error.to_string()))?;
        // A scrape tells most while the database is away, so it goes without these then.
        match db.read(|db| Ok(mail::counts(db)?)).await {
            Ok(counts) => figures.set_mails(&counts),
            Err(error) => tracing::warn!(error.cause = %error, "mails not counted"),
        }
        if let Some(bytes) = resident_memory() {
            figures.memory.set(bytes);
        }
        let mut text = Vec::new();
        TextEncoder::new()
            .encode(&figures.registry.gather(), &mut text)
            .map_err(Error::internal)?;
        Ok(text)
    }
}

/// One of the methods that exist; all others share a label.
fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

fn class_label(status: StatusCode) -> &'static str {
    match status.as_u16() / 100 {
        1 => "1xx",
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        _ => "5xx",
    }
}

/// Resident memory in bytes, where the system tells it.
fn resident_memory() -> Option<i64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: i64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_up_methods_share_a_label() {
        assert_eq!(method_label(&Method::PATCH), "PATCH");
        assert_eq!(method_label(&Method::from_bytes(b"BREW").unwrap()), "other");
    }

    #[test]
    fn every_state_of_a_mail_has_a_figure() {
        let figures = Figures::new().unwrap();
        figures.set_mails(&[StateCount { state: "dead".to_owned(), mails: 3 }]);
        assert_eq!(figures.mails.with_label_values(&["dead"]).get(), 3);
        assert_eq!(figures.mails.with_label_values(&["queued"]).get(), 0);
    }
}
