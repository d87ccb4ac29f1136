mod flow_runs;
mod login;
