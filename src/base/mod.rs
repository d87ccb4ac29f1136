//! What knows nothing of the product: settings, database, HTTP, mail, jobs, time and secrets.

pub mod app;
pub mod clock;
pub mod context;
pub mod csv;
pub mod db;
pub mod declared;
pub mod descriptors;
pub mod error;
pub mod http;
pub mod jobs;
pub mod json;
pub mod live;
pub mod mail;
pub mod memory;
pub mod places;
pub mod random;
pub mod secret;
pub mod seen;
pub mod settings;
pub mod telemetry;
pub mod text;
pub mod zone;
