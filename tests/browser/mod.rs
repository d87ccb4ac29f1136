//! Journeys of a person at a screen, with and without scripts; everything else is tested without a browser.

mod accounts;
mod api_keys;
mod collaborators;
mod first_run;
mod keyboard;
mod limits;
mod organizations;
mod pages;
mod runs;
mod sharing;
mod transfers;
mod workspaces;
