mod backup;
mod cli;
mod faults;
mod mail;
mod processes;
mod settings;
mod start;
