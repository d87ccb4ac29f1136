mod events;
mod exact;
pub mod flow_runs;
mod login;
mod many;
mod pages;
mod plans;
mod task_runs;
mod wire;
