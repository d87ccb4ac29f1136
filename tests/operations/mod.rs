mod backup;
mod cli;
mod clients;
mod faults;
mod mail;
mod processes;
mod settings;
mod start;
