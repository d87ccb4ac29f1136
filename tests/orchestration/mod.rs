mod events;
pub mod flow_runs;
mod login;
mod task_runs;
