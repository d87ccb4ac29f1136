//! Rows about who may use a workspace.

mod bots;
mod people;

pub use bots::{
    all_bots, bot, bot_count, bot_of, bots, candidates as bot_candidates, delete_bot_grant,
    ended_bots, insert_bot_grant, set_bot_role,
};
pub use people::{
    admins, all_people, candidates, ended_people, ending_people, insert_person, mark_told,
    member_of, people, people_count, person, person_of, remove_person, set_default, set_role,
};
