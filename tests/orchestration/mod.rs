mod events;
pub mod flow_runs;
mod login;
mod plans;
mod task_runs;
