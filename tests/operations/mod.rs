mod backup;
mod cli;
mod faults;
mod mail;
mod settings;
mod start;
